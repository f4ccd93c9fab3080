/**
 * @file What a DREAM is made of, as data: the sizes of SPEC section 2, and every choice that the release offers as a
 * tagged union, so that a setting which would be ignored cannot be written.
 */

/** Width, depth and heads of one stack of transformer blocks. */
export interface StackConfig {
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly mlpWidth: number;
}

/**
 * How encoder tokens become one image embedding (SPEC section 3). The `post-` kinds pool first and project then; the others
 * project every token and pool then. `batch-norm` is the release's `post_mlp_stablerep`, the recipe's choice.
 */
export type ImageProjectionConfig =
  | { readonly kind: "identity" }
  | { readonly kind: "linear" | "post-linear" }
  | { readonly kind: "mlp" | "post-mlp" | "batch-norm" | "post-batch-norm"; readonly hiddenWidth: number };

/** How the end-of-text feature becomes the text embedding; `linear` (a matrix) is the recipe's choice. */
export type TextProjectionConfig =
  | { readonly kind: "linear" }
  | { readonly kind: "mlp" | "batch-norm"; readonly hiddenWidth: number };

/** Which encoder tokens the contrastive loss pools. */
export type Pool = "all" | "image" | "buffer";

/** What the aligner reads: hidden states of a frozen encoder (T5), or words embedded by a table trained along. */
export type CaptionConfig =
  | { readonly kind: "states"; readonly length: number; readonly width: number }
  | { readonly kind: "words"; readonly length: number; readonly width: number; readonly vocabulary: number };

/** Which samples the contrastive loss counts (SPEC section 4). */
export type ContrastiveConfig =
  /** Samples with less than `minimumVisible` of their tokens visible are left out, as queries and as negatives. */
  | { readonly kind: "filtered"; readonly minimumVisible: number }
  /**
   * Every sample counts; the loss is 0 where the share of samples with at least `minimumVisible` of their tokens visible
   * is itself below `minimumVisible`, and is divided by that share where `scaledByKept` says so.
   */
  | { readonly kind: "all"; readonly minimumVisible: number; readonly scaling: "none" | "by-kept-share" };

/** How the head learns the distribution of one token. */
export type DiffusionConfig =
  /** The paper's: noise prediction with learned variance over 1,000 steps, sampled with respaced steps. */
  | { readonly kind: "noise"; readonly sampling: string }
  /** Velocity prediction with the angle uniform in time and a fixed variance; better scaled at the noisy end. */
  | { readonly kind: "velocity"; readonly steps: number };

/** What a fresh model knows of where its tokens lie. */
export type SpatialStart =
  /** The paper's: nothing. Positions are N(0, 0.02), attention is Xavier's. */
  | { readonly kind: "random" }
  /** Positions are waves, and each of the decoder's heads looks at one neighbour (`neighbour-start.ts`). */
  | { readonly kind: "neighbours"; readonly amplitude: number; readonly sharpness: number };

/** REPA: which encoder block, counted from 1, is drawn towards frozen features of so many numbers. */
export interface AlignmentConfig {
  readonly depth: number;
  readonly hiddenWidth: number;
  readonly targetWidth: number;
  readonly weight: number;
}

/**
 * Class embeddings. `shared` is the release's: all pictures have the first row, which is a learned constant. `labels` conditions on each
 * picture's class, as MAR does. In training `fakeLatent` stands in a row's place with `dropProbability`.
 */
export interface ClassConfig {
  readonly kind: "shared" | "labels";
  readonly count: number;
  readonly dropProbability: number;
}

/** The sizes of a model, and the choices that its network is made by. */
export interface DreamConfig {
  /** The latent image [channels, side, side], cut in patches of patch x patch. */
  readonly latent: { readonly side: number; readonly channels: number; readonly patch: number };
  readonly encoder: StackConfig;
  readonly decoder: StackConfig;
  /** LayerNorm epsilon in all image and decoder blocks. */
  readonly normEpsilon: number;
  readonly spatialStart: SpatialStart;
  /** Positions in front of the image tokens that are never masked (U). */
  readonly bufferTokens: number;
  /** What buffer positions are filled with. */
  readonly classes: ClassConfig;
  readonly textTower: {
    readonly width: number;
    readonly depth: number;
    readonly heads: number;
    readonly contextLength: number;
    readonly vocabulary: number;
  };
  readonly captions: CaptionConfig;
  /** Blocks of the text aligner, at the decoder's width, heads and MLP width. */
  readonly alignerDepth: number;
  readonly joint: {
    readonly width: number;
    readonly image: ImageProjectionConfig;
    readonly text: TextProjectionConfig;
    readonly pool: Pool;
    /** The encoder block whose un-normed output is the representation, counted from 1; null takes the normed output. */
    readonly depth: number | null;
  };
  readonly head: { readonly depth: number; readonly width: number };
  readonly diffusion: DiffusionConfig;
  /** Draws of time and noise for each token in training (`diffusion_batch_mul`). */
  readonly drawsPerToken: number;
  readonly dropout: { readonly attention: number; readonly projection: number };
  readonly contrastive: ContrastiveConfig;
  /** The generative loss counts only where at least this share of a group's tokens is masked. */
  readonly minimumMasked: number;
  readonly lossWeights: { readonly generative: number; readonly contrastive: number };
  /** Alignment to frozen features (REPA), or null. */
  readonly alignment: AlignmentConfig | null;
}

/** The paper's sizes. */
export type SizeName = "base" | "large" | "huge" | "giant";

/** Encoder and decoder stacks by size (SPEC section 2). */
export const sizes: Readonly<Record<SizeName, StackConfig>> = {
  base: { width: 768, depth: 12, heads: 12, mlpWidth: 3072 },
  large: { width: 1024, depth: 16, heads: 16, mlpWidth: 4096 },
  huge: { width: 1280, depth: 20, heads: 16, mlpWidth: 5120 },
  giant: { width: 1664, depth: 24, heads: 16, mlpWidth: 8192 },
};

/** The paper's DREAM at one of its sizes: 256 px, SD-VAE latents, T5-large captions. */
export function paperConfig(size: SizeName): DreamConfig {
  return {
    latent: { side: 32, channels: 4, patch: 2 },
    encoder: sizes[size],
    decoder: sizes[size],
    normEpsilon: 1e-6,
    spatialStart: { kind: "random" },
    bufferTokens: 64,
    classes: { kind: "shared", count: 1000, dropProbability: 0 },
    textTower: { width: 512, depth: 12, heads: 8, contextLength: 77, vocabulary: 49408 },
    captions: { kind: "states", length: 128, width: 1024 },
    alignerDepth: 6,
    joint: {
      width: 256,
      image: { kind: "post-batch-norm", hiddenWidth: 1024 },
      text: { kind: "linear" },
      pool: "all",
      depth: null,
    },
    head: { depth: 3, width: 1024 },
    diffusion: { kind: "noise", sampling: "100" },
    drawsPerToken: 4,
    dropout: { attention: 0.1, projection: 0.1 },
    contrastive: { kind: "filtered", minimumVisible: 0.25 },
    minimumMasked: 0.5,
    lossWeights: { generative: 1, contrastive: 0.005 },
    alignment: null,
  };
}

/** Image tokens of a picture (N). */
export function tokenCount({ latent }: DreamConfig): number {
  return (latent.side / latent.patch) ** 2;
}

/** Numbers in a token. */
export function tokenWidth({ latent }: DreamConfig): number {
  return latent.channels * latent.patch ** 2;
}
