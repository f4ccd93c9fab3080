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
import { contrastiveLoss, normalise } from "./contrastive.js";
import { Decoder } from "./decoder.js";
import { DiffusionHead } from "./diffusion-head.js";
import { Encoder } from "./encoder.js";
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
  /** Frozen features of every token, [B, N, W]; needed where the config aligns to them. */
  readonly alignmentTargets?: Tensor;
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

export class Dream extends Module {
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
      const { lossWeights, minimumMasked, joint, alignment } = this.config;
      const generativeTerms: Tensor[] = [];
      const alignmentTerms: Tensor[] = [];
      const gathered: Tensor[] = [];
      const kept: boolean[] = [];
      for (const [i, group] of groups.entries()) {
        const tokens = patchify(group.latents, this.config.latent.patch);
        const { output, representation, aligned } = this.encoder.forward(tokens, group.mask, random);
        if (aligned !== null) alignmentTerms.push(this.#alignmentLoss(aligned, group));
        gathered.push(this.imageProjection.gather(representation, joint.pool));
        const shows = 1 - group.mask.share >= this.config.contrastive.minimumVisible;
        for (let b = 0; b < group.mask.batch; b++) kept.push(shows);
        if (group.mask.share >= minimumMasked && group.mask.count > 0 && lossWeights.generative > 0)
          generativeTerms.push(this.#generativeLoss(tokens, output, group, draws[i]!));
      }
      const zero = tensor([0], [], { device: this.device });
      const meanOf = (terms: readonly Tensor[]): Tensor =>
        terms.reduce((sum, term) => sum.add(term), zero).div(groups.length);
      const generative = meanOf(generativeTerms);
      const aligned = meanOf(alignmentTerms);
      const contrastive =
        lossWeights.contrastive > 0
          ? this.#contrastiveLoss(groups, gathered, kept)
          : { loss: zero, keptShare: 0 };
      const total = generative
        .mul(lossWeights.generative)
        .add(contrastive.loss.mul(lossWeights.contrastive))
        .add(aligned.mul(alignment?.weight ?? 0));
      return {
        generative,
        contrastive: contrastive.loss,
        alignment: aligned,
        total,
        contrastiveShare: contrastive.keptShare,
        generativeShare: generativeTerms.length / groups.length,
        maskRatio: groups.reduce((sum, { mask }) => sum + mask.share, 0) / groups.length,
      };
    });
  }

  /** The generative loss of one group by itself, ungated: what a measure on held-out pictures takes. */
  generativeLoss(group: MaskGroup, draws: DiffusionDraws): Tensor {
    return scope(() => {
      const tokens = patchify(group.latents, this.config.latent.patch);
      return this.#generativeLoss(tokens, this.encoder.forward(tokens, group.mask).output, group, draws);
    });
  }

  /** Pictures' embeddings, unit length. @param tokens [B, N, C], hidden where the mask says @returns [B, joint width] */
  embedImages(tokens: Tensor, mask: TokenMask): Tensor {
    return scope(() =>
      normalise(this.imageProjection.forward(this.encoder.forward(tokens, mask).representation)),
    );
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

  #contrastiveLoss(groups: readonly MaskGroup[], gathered: readonly Tensor[], kept: readonly boolean[]) {
    const images = this.#projectTogether(gathered);
    const texts = this.textTower.forward(
      cat(
        groups.map(({ captionIds }) => captionIds),
        0,
      ),
    );
    return contrastiveLoss(images, texts, this.logitScale.exp(), kept, this.config.contrastive);
  }

  /** Groups that pool before projecting go through as one batch, so that BatchNorm spans them all. */
  #projectTogether(gathered: readonly Tensor[]): Tensor {
    const [first] = gathered;
    const equal = gathered.every((one) => one.shape.length === 2 || one.size(1) === first!.size(1));
    if (equal) return this.imageProjection.project(cat(gathered, 0));
    return cat(
      gathered.map((one) => this.imageProjection.project(one)),
      0,
    );
  }
}
