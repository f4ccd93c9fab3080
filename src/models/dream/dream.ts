/**
 * @file DREAM: the parts put together, and the training loss of one optimiser step (SPEC sections 3 and 4). The step may span
 * several mask groups, each with its own mask ratio: they share one contrastive loss and one BatchNorm, and each has
 * its own generative loss, gated by its own masked share.
 */
import { DreamError } from "../../errors.js";
import { Module, parameter, placesOf, type TextMemory } from "../../nn/index.js";
import { cat, type Device, type Generator, scope, type Tensor, tensor } from "../../tensor/index.js";
import { alignmentLoss } from "./alignment.js";
import { type DreamConfig, tokenWidth } from "./config.js";
import { type ContrastiveLoss, contrastiveLoss, normalise } from "./contrastive.js";
import { Decoder } from "./decoder.js";
import { DiffusionHead } from "./diffusion-head.js";
import { type Encoded, Encoder } from "./encoder.js";
import type { TokenMask } from "./mask.js";
import { NoiseDiffusion } from "./noise-diffusion.js";
import { ImageProjection, SiluMlp } from "./projection.js";
import { TextAligner } from "./text-aligner.js";
import { TextTower } from "./text-tower.js";
import type { DiffusionDraws, TokenDiffusion } from "./token-diffusion.js";
import { patchify } from "./tokens.js";
import { VelocityDiffusion } from "./velocity-diffusion.js";

/** Images and captions that share one mask ratio. */
export interface MaskGroup {
  /** [B, C, H, W] */
  readonly latents: Tensor;
  /** Tokens of the whole caption, int64 [B, context]. */
  readonly captionIds: Tensor;
  /** What the decoder reads, possibly the empty caption's: states [B, L, W], or word ids int64 [B, L]. */
  readonly captions: Tensor;
  readonly mask: TokenMask;
  /** Each picture's class, int64 [B]; needed where classes condition. */
  readonly classes?: Tensor | undefined;
  /** Frozen features of every token, [B, N, W]; needed where the config aligns to them. */
  readonly alignmentTargets?: Tensor | undefined;
}

/** The losses of one step. */
export interface DreamLosses {
  /** Mean over groups; a gated group counts 0. */
  readonly generative: Tensor;
  readonly contrastive: Tensor;
  /** Mean over groups; 0 without alignment. */
  readonly alignment: Tensor;
  /** The weighted sum, which is what gradients are taken of. */
  readonly total: Tensor;
  /** Share of the samples that the contrastive loss kept. */
  readonly contrastiveShare: number;
  /** Share of the groups whose generative loss counted. */
  readonly generativeShare: number;
  /** Mean share of masked tokens. */
  readonly maskRatio: number;
}

/** A group that the encoder has seen. */
interface EncodedGroup extends Encoded {
  readonly group: MaskGroup;
  /** [B, N, C] */
  readonly tokens: Tensor;
}

/** What a part of the batch brings to the contrastive loss, before anything that spans the batch has seen it. */
export interface JointInputs {
  /** What the image projection gathers, [B, ...]. */
  readonly images: Tensor;
  /** Features at the captions' ends, [B, W]. */
  readonly texts: Tensor;
}

/** Groups half way through a step. */
export interface EncodedGroups {
  readonly encoded: readonly EncodedGroup[];
  /** Null where the contrastive loss has no weight. */
  readonly joint: JointInputs | null;
}

/** Sums over groups. */
export interface OwnLosses {
  /** A gated group counts 0. */
  readonly generative: Tensor;
  readonly alignment: Tensor;
  /** How many groups' generative loss counted. */
  readonly generated: number;
}

/** The network: encoder, decoder, diffusion head and text tower, and the losses that train them together. */
export class DreamModel extends Module {
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly textAligner: TextAligner;
  readonly textTower: TextTower;
  readonly imageProjection: ImageProjection;
  readonly logitScale: Tensor;
  readonly diffusionHead: DiffusionHead;
  readonly alignmentProjector: SiluMlp | null;
  readonly #diffusion: TokenDiffusion;

  /** All parameters are zero until initialised or loaded. @param device `meta` builds shapes without memory */
  constructor(
    readonly config: DreamConfig,
    readonly device: Device = "cpu",
  ) {
    super();
    const token = tokenWidth(config);
    const widths = { input: config.encoder.width, joint: config.joint.width };
    this.encoder = new Encoder(config, device);
    this.decoder = new Decoder(config, device);
    this.textAligner = new TextAligner(config, device);
    this.textTower = new TextTower(config, device);
    this.imageProjection = new ImageProjection(config.joint.image, widths, config.bufferTokens, device);
    this.logitScale = parameter([], device);
    const output = config.diffusion.kind === "noise" ? 2 * token : token;
    this.diffusionHead = new DiffusionHead(
      { token, condition: config.decoder.width, output },
      config.head,
      device,
    );
    const { alignment } = config;
    this.alignmentProjector =
      alignment === null
        ? null
        : new SiluMlp(config.encoder.width, alignment.hiddenWidth, alignment.targetWidth, device);
    this.#diffusion =
      config.diffusion.kind === "noise"
        ? new NoiseDiffusion(this.diffusionHead, token, config.diffusion.sampling)
        : new VelocityDiffusion(this.diffusionHead, token, config.diffusion.steps);
  }

  /** The process that the head denoises. */
  get diffusion(): TokenDiffusion {
    return this.#diffusion;
  }

  /**
   * Draws times and noise for a group's masked tokens: draw by draw, each the whole batch of masked tokens in raster order
   * (repeats tile the batch, SPEC section 13).
   */
  drawDiffusion({ mask }: MaskGroup, random: Generator): DiffusionDraws {
    const { times, noise } = this.#diffusion.draw(
      this.config.drawsPerToken * mask.batch * mask.count,
      random,
    );
    if (this.device === "cpu") return { times, noise };
    return { times: times.to({ device: this.device }), noise: noise.to({ device: this.device }) };
  }

  /**
   * The losses of one step over all its groups.
   * @param draws one for each group
   * @param random draws dropped class embeddings, where the config drops any
   */
  losses(groups: readonly MaskGroup[], draws: readonly DiffusionDraws[], random?: Generator): DreamLosses {
    return scope(() => {
      const encoded = this.encode(groups, random);
      const own = this.ownLosses(encoded, draws);
      const generative = own.generative.div(groups.length);
      const alignment = own.alignment.div(groups.length);
      const kept = groups.flatMap(({ mask }) => Array<boolean>(mask.batch).fill(this.shows(mask.share)));
      const contrastive = this.contrast(encoded.joint, kept);
      const { lossWeights } = this.config;
      return {
        generative,
        contrastive: contrastive.loss,
        alignment,
        total: this.weighted(generative, alignment).add(contrastive.loss.mul(lossWeights.contrastive)),
        contrastiveShare: contrastive.keptShare,
        generativeShare: own.generated / groups.length,
        maskRatio: groups.reduce((sum, { mask }) => sum + mask.share, 0) / groups.length,
      };
    });
  }

  /** Whether the contrastive loss counts an image of which this share is hidden. */
  shows(maskedShare: number): boolean {
    return 1 - maskedShare >= this.config.contrastive.minimumVisible;
  }

  /** Whether the generative loss counts a group of which this share is hidden: `count` tokens. */
  generates({ share, count }: Pick<TokenMask, "share" | "count">): boolean {
    const { lossWeights, minimumMasked } = this.config;
    return lossWeights.generative > 0 && count > 0 && share >= minimumMasked;
  }

  /** The part of the total that is not the contrastive loss. */
  weighted(generative: Tensor, alignment: Tensor): Tensor {
    const { lossWeights, alignment: aligned } = this.config;
    return generative.mul(lossWeights.generative).add(alignment.mul(aligned?.weight ?? 0));
  }

  /** Groups through the encoder, and their captions through the text tower where the contrastive loss counts. */
  encode(groups: readonly MaskGroup[], random?: Generator): EncodedGroups {
    const { joint, latent, lossWeights } = this.config;
    const contrasts = lossWeights.contrastive > 0;
    const texts = contrasts ? this.textTower.ends(cat(groups.map(({ captionIds }) => captionIds))) : null;
    const encoded = groups.map((group): EncodedGroup => {
      const tokens = patchify(group.latents, latent.patch);
      return {
        group,
        tokens,
        ...this.encoder.forward(tokens, group.mask, { classes: group.classes, random }),
      };
    });
    if (texts === null) return { encoded, joint: null };
    const representations = encoded.map(({ representation }) => representation);
    return { encoded, joint: { images: this.imageProjection.gather(representations, joint.pool), texts } };
  }

  /** Sums over groups of the losses that a group has by itself. @param draws for each group; null where it is gated */
  ownLosses({ encoded }: EncodedGroups, draws: readonly (DiffusionDraws | null)[]): OwnLosses {
    const zero = tensor([0], [], { device: this.device });
    let [generative, alignment, generated] = [zero, zero, 0];
    for (const [i, { group, tokens, output, aligned }] of encoded.entries()) {
      if (aligned !== null) alignment = alignment.add(this.#alignmentLoss(aligned, group));
      if (!this.generates(group.mask)) continue;
      generative = generative.add(this.#generativeLoss(tokens, output, group, draws[i]!));
      generated++;
    }
    return { generative, alignment, generated };
  }

  /**
   * The contrastive loss over everything that was gathered; BatchNorm spans it all.
   * @param inputs of the whole batch; null where nothing contrasts @param kept one flag for each sample
   */
  contrast(inputs: JointInputs | null, kept: readonly boolean[]): ContrastiveLoss {
    if (inputs === null) return { loss: tensor([0], [], { device: this.device }), keptShare: 0 };
    const images = this.imageProjection.project(inputs.images);
    const texts = normalise(this.textTower.projection.forward(inputs.texts));
    return contrastiveLoss(images, texts, this.logitScale.exp(), kept, this.config.contrastive);
  }

  /** The generative loss of one group by itself, ungated: what a measure on held-out pictures takes. */
  generativeLoss(group: MaskGroup, draws: DiffusionDraws): Tensor {
    return scope(() => {
      const tokens = patchify(group.latents, this.config.latent.patch);
      const { classes, mask } = group;
      const { output } = this.encoder.forward(tokens, mask, { classes });
      return this.#generativeLoss(tokens, output, group, draws);
    });
  }

  /** Pictures' embeddings, unit length. @param tokens [B, N, C], hidden where the mask says @returns [B, joint width] */
  embedImages(tokens: Tensor, mask: TokenMask): Tensor {
    return scope(() => this.embedRepresentation(this.encoder.forward(tokens, mask).representation));
  }

  /** The same of pictures that the encoder has seen. @param representation the encoder's [B, U + V, D] */
  embedRepresentation(representation: Tensor): Tensor {
    return normalise(this.imageProjection.forward(representation));
  }

  /** Captions' embeddings, unit length. @param ids int64 [B, context] @returns [B, joint width] */
  embedTexts(ids: Tensor): Tensor {
    return this.textTower.forward(ids);
  }

  /** Each decoder block's memory of captions. @param captions states [B, L, W], or word ids int64 [B, L] */
  rememberCaptions(captions: Tensor): TextMemory[] {
    return scope(() => this.decoder.remember(this.textAligner.forward(captions)));
  }

  /**
   * The mean of the diffusion loss over a group's masked tokens. The decoder's end and the head run on these alone: the
   * others' rows would be multiplied by zero.
   */
  #generativeLoss(tokens: Tensor, encoded: Tensor, group: MaskGroup, draws: DiffusionDraws): Tensor {
    const { mask, captions } = group;
    const memory = this.decoder.remember(this.textAligner.forward(captions));
    const z = this.decoder.forward(encoded, mask, memory, mask);
    const repeats = [this.config.drawsPerToken, 1];
    const hidden = placesOf(tokens, mask.rows(tokens.device));
    return this.#diffusion
      .loss(hidden.flatten(0, 1).repeat(repeats), z.flatten(0, 1).repeat(repeats), draws)
      .mean();
  }

  #alignmentLoss(aligned: Tensor, { mask, alignmentTargets }: MaskGroup): Tensor {
    if (alignmentTargets === undefined)
      throw new DreamError("value", {
        operation: "alignment loss",
        expected: "frozen features of the pictures, since the config aligns to them",
        got: "none",
      });
    return alignmentLoss(this.alignmentProjector!.forward(aligned), alignmentTargets, mask);
  }
}
