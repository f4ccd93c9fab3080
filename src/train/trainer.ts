/**
 * @file One optimiser step of DREAM: mask groups with ratios from the masking schedule, both losses, clipping, the optimiser, moving
 * average. All randomness comes from one generator and the step's number, so a step can be repeated.
 */
import { DreamError } from "../errors.js";
import type { FeatureBatch } from "../features/feature-batch.js";
import { tokenCount } from "../models/dream/config.js";
import type { Dream, MaskGroup } from "../models/dream/dream.js";
import { TokenMask, TokenOrders } from "../models/dream/mask.js";
import { drawMaskRatio, type MaskingSchedule, maskedCount } from "../models/dream/masking.js";
import {
  autocast,
  backward,
  type Generator,
  gradientOf,
  noGrad,
  rand,
  requiresGrad,
  scope,
  setGradient,
  type Tensor,
  where,
  zerosLike,
} from "../tensor/index.js";
import { MovingAverage } from "./ema.js";
import { NonFiniteLoss } from "./non-finite.js";
import { clipGradients, Optimiser, type OptimiserConfig } from "./optimiser.js";
import { type LearningRateSchedule, learningRateAt } from "./schedules.js";

/** How a model is trained, apart from its data. */
export interface TrainingConfig {
  readonly optimiser: OptimiserConfig & { readonly clip: number };
  readonly learningRate: LearningRateSchedule;
  readonly masking: MaskingSchedule;
  /** Parts of a batch with a mask ratio each; 1 is the release on one process. */
  readonly maskGroups: number;
  /** Share of captions that the decoder sees as empty, for guidance, 0..1. */
  readonly captionDrop: number;
  readonly emaRate: number;
  /** Matrix products of the forward and backward pass; parameters, losses and moments stay in float32. */
  readonly precision: "float32" | "bfloat16";
}

/** What a step says of itself. */
export interface StepReport {
  readonly generativeLoss: number;
  readonly contrastiveLoss: number;
  readonly totalLoss: number;
  readonly maskRatio: number;
  readonly contrastiveShare: number;
  readonly generativeShare: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
}

export class Trainer {
  readonly optimiser: Optimiser;
  readonly average: MovingAverage;
  readonly #parameters: readonly Tensor[];

  /** @param random draws masks, noise and dropped captions */
  constructor(
    readonly model: Dream,
    readonly config: TrainingConfig,
    readonly random: Generator,
  ) {
    const parameters = model.parameters();
    this.optimiser = new Optimiser(parameters, config.optimiser, config.precision);
    this.average = new MovingAverage(parameters, config.emaRate);
    this.#parameters = parameters.map(([, tensor]) => tensor);
  }

  /**
   * @param epoch fractional; decides learning rate and mask ratios
   * @param emptyCaption the decoder's empty caption, one row
   * @throws NonFiniteLoss where a loss is NaN or infinite; parameters are as before then
   */
  step(batch: FeatureBatch, emptyCaption: Tensor, epoch: number): StepReport {
    return scope(() => {
      this.model.setMode("train");
      const groups = this.#groups(batch, emptyCaption, epoch);
      const draws = groups.map((group) => this.model.drawDiffusion(group, this.random));
      const losses = this.#inPrecision(() => this.model.losses(groups, draws, this.random));
      const [generativeLoss, contrastiveLoss, totalLoss] = [
        losses.generative,
        losses.contrastive,
        losses.total,
      ].map((loss) => loss.item()) as [number, number, number];
      if (!Number.isFinite(totalLoss))
        throw new NonFiniteLoss(
          { generative: generativeLoss, contrastive: contrastiveLoss, total: totalLoss },
          losses.maskRatio,
          epoch,
        );
      // Where every group is gated and nothing contrasts, nothing is to be learned; decay and momentum go on.
      if (requiresGrad(losses.total)) backward(losses.total);
      const gradients = this.#takeGradients();
      const gradientNorm = clipGradients(gradients, this.config.optimiser.clip);
      const learningRate = learningRateAt(this.config.learningRate, epoch);
      this.optimiser.step(gradients, learningRate);
      this.average.update();
      const { maskRatio, contrastiveShare, generativeShare } = losses;
      return {
        generativeLoss,
        contrastiveLoss,
        totalLoss,
        maskRatio,
        contrastiveShare,
        generativeShare,
        gradientNorm,
        learningRate,
      };
    });
  }

  #inPrecision<T>(body: () => T): T {
    const { precision } = this.config;
    return precision === "float32" ? body() : autocast(this.model.device, precision, body);
  }

  /** The batch cut in equal parts, each with a ratio of its own and fresh orders; some captions dropped for the decoder. */
  #groups({ latents, captionIds, captions }: FeatureBatch, emptyCaption: Tensor, epoch: number): MaskGroup[] {
    return noGrad(() => {
      const { maskGroups, masking } = this.config;
      const N = tokenCount(this.model.config);
      const told = this.#dropCaptions(captions, emptyCaption);
      const B = latents.size(0) / maskGroups;
      if (!Number.isInteger(B))
        throw new DreamError("value", {
          operation: "training step",
          expected: `a batch that ${maskGroups} mask groups can share equally`,
          got: `${latents.size(0)} images`,
        });
      return Array.from({ length: maskGroups }, (_, g) => {
        const ratio = drawMaskRatio(masking, epoch, rand([1], { generator: this.random }).item());
        const orders = TokenOrders.random(B, N, this.random);
        const part = (x: Tensor): Tensor => x.narrow(0, g * B, B);
        return {
          latents: part(latents),
          captionIds: part(captionIds),
          captions: part(told),
          mask: TokenMask.firstOf(orders, maskedCount(ratio, N)),
        };
      });
    });
  }

  #dropCaptions(captions: Tensor, emptyCaption: Tensor): Tensor {
    const { captionDrop } = this.config;
    if (captionDrop === 0) return captions;
    const shape = captions.shape.map((size, i) => (i === 0 ? size : 1));
    const dropped = rand(shape, { generator: this.random }).lt(captionDrop);
    return where(dropped.to({ device: captions.device }), emptyCaption, captions);
  }

  /** Takes every parameter's gradient off it; zeros where nothing reached it, so that decay and momentum go on. */
  #takeGradients(): Tensor[] {
    return this.#parameters.map((parameter) => {
      const gradient = gradientOf(parameter) ?? zerosLike(parameter.detach());
      setGradient(parameter, null);
      return gradient;
    });
  }

  dispose(): void {
    this.optimiser.dispose();
    this.average.dispose();
  }
}
