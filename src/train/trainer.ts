/**
 * @file One optimiser step of DREAM: mask groups with ratios from the masking schedule, both losses, clipping, the optimiser, moving
 * average. What a step draws by chance is a function of the seed and the step's number, so a step can be repeated.
 */
import { DreamError } from "../errors.js";
import type { FeatureBatch } from "../features/feature-batch.js";
import { tokenCount } from "../models/dream/config.js";
import type { DreamModel, MaskGroup } from "../models/dream/dream.js";
import type { TokenMask } from "../models/dream/mask.js";
import type { MaskingSchedule } from "../models/dream/masking.js";
import type { NamedTensor } from "../nn/index.js";
import { noGrad, scope, type Tensor, tensor, where } from "../tensor/index.js";
import { type DrawnStep, disposeDrawn, drawStep, type StepPlace } from "./drawn-step.js";
import { MovingAverage } from "./ema.js";
import { NonFiniteLoss } from "./non-finite.js";
import { clipFactor, gradientNorm, Optimiser, type OptimiserConfig } from "./optimiser.js";
import { learn, type PassLosses, type Round } from "./rounds.js";
import { type LearningRateSchedule, learningRateAt } from "./schedules.js";
import { runOf, type Share, sharesOf } from "./sharing.js";
import { Alone, type Team } from "./team.js";

/** How a model is trained, apart from its data. */
export interface TrainingConfig {
  readonly optimiser: OptimiserConfig & { readonly clip: number };
  readonly learningRate: LearningRateSchedule;
  readonly masking: MaskingSchedule;
  /** Samples of a step, over all processes. */
  readonly batchSize: number;
  /** Parts of a batch with a mask ratio each, over all processes; 1 is the release on one process. */
  readonly maskGroups: number;
  /** Rounds in which a process takes its part of a batch. */
  readonly accumulation: number;
  /** Whether blocks keep what their backward pass needs, or compute it again. */
  readonly activations: "kept" | "recomputed";
  /** Share of captions that the decoder sees as empty, for guidance, 0..1. */
  readonly captionDrop: number;
  readonly emaRate: number;
  /** Matrix products of the forward and backward pass; parameters, losses and moments stay in float32. */
  readonly precision: "float32" | "bfloat16";
}

/** What a step says of itself, over all processes. */
export interface StepReport {
  readonly generativeLoss: number;
  readonly contrastiveLoss: number;
  /** Null for a model that is aligned to nothing. */
  readonly alignmentLoss: number | null;
  readonly totalLoss: number;
  readonly maskRatio: number;
  readonly contrastiveShare: number;
  readonly generativeShare: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
}

/** A model in training: its optimiser, averages and random numbers, and the step that moves them. */
export class Trainer {
  readonly optimiser: Optimiser;
  readonly average: MovingAverage;
  readonly team: Team;
  readonly #shares: readonly Share[];
  #ahead: DrawnStep | null = null;

  /**
   * @param seed decides masks, noise, dropped captions and dropout
   * @param team the processes that train together
   * @throws DreamError `value` where the batch cannot be shared among processes, rounds and mask groups
   */
  constructor(
    readonly model: DreamModel,
    readonly config: TrainingConfig,
    readonly seed: number,
    team: (parameters: readonly NamedTensor[]) => Team = (parameters) => new Alone(parameters),
  ) {
    const parameters = model.parameters();
    this.optimiser = new Optimiser(parameters, config.optimiser, config.precision);
    this.average = new MovingAverage(parameters, config.emaRate);
    this.team = team(parameters);
    const { batchSize, maskGroups, accumulation: rounds } = config;
    this.#shares = sharesOf({ batchSize, maskGroups, processes: this.team.size, rounds });
    if (this.team.size * rounds > 1 && !model.imageProjection.gathersApart)
      throw new DreamError("value", {
        operation: "share a step's batch",
        expected: "an image projection that pools first, such as `kind: post-batch-norm`",
        got: `\`kind: ${model.config.joint.image.kind}\`, whose BatchNorm sees the tokens of all images at once`,
        hint: "train it in one process with accumulation 1",
      });
  }

  /** Samples of a step that this process takes, and the place of the first in the step's batch. */
  get part(): { readonly firstPlace: number; readonly count: number } {
    const mine = runOf(this.#shares, this.team.rank, this.team.size);
    return { firstPlace: mine[0]!.firstPlace, count: this.config.batchSize / this.team.size };
  }

  /**
   * @param batch this process's {@link part} of the step's @param emptyCaption the decoder's empty caption, one row
   * @param next the place of the step that follows, whose draws are made while a GPU is at this one; null where none does
   * @throws NonFiniteLoss where a loss or a gradient is NaN or infinite; parameters are as before then
   */
  step(
    batch: FeatureBatch,
    emptyCaption: Tensor,
    place: StepPlace,
    next: StepPlace | null = null,
  ): StepReport {
    const drawn = this.#take(place);
    try {
      return scope(() => {
        this.model.setMode("train");
        this.#checkBatch(batch);
        const { model, team, config } = this;
        const N = tokenCount(model.config);
        const kept = this.#shares.flatMap(({ group, count }) =>
          Array<boolean>(count).fill(model.shows(drawn.masked[group]! / N)),
        );
        const rounds = this.#rounds(batch, emptyCaption, drawn);
        const losses = learn({ ...config, model, team, kept }, rounds);
        const gradients = team.gradients();
        if (next !== null) this.#ahead = this.#draw(next);
        return this.#finish(drawn, losses, gradients);
      });
    } finally {
      disposeDrawn(drawn);
    }
  }

  /** Waits for losses and gradients, and steps if they are finite. */
  #finish({ place, masked }: DrawnStep, losses: PassLosses, gradients: readonly Tensor[]): StepReport {
    const { model, team, config } = this;
    const N = tokenCount(model.config);
    const norm = gradientNorm(gradients);
    const own = [losses.generative, losses.alignment].map((loss) => loss.item());
    const [generativeLoss, alignmentLoss] = team.mean(own) as [number, number];
    const contrastiveLoss = losses.contrastive.item();
    const { lossWeights, alignment } = model.config;
    const totalLoss =
      lossWeights.generative * generativeLoss +
      lossWeights.contrastive * contrastiveLoss +
      (alignment?.weight ?? 0) * alignmentLoss;
    const maskRatio = mean(masked.map((count) => count / N));
    if (!Number.isFinite(totalLoss) || !Number.isFinite(norm))
      throw new NonFiniteLoss(
        { generative: generativeLoss, contrastive: contrastiveLoss, total: totalLoss, gradientNorm: norm },
        maskRatio,
        place.epoch,
      );
    const learningRate = learningRateAt(config.learningRate, place.epoch);
    this.optimiser.step(gradients, learningRate, clipFactor(norm, config.optimiser.clip));
    this.average.update();
    return {
      generativeLoss,
      contrastiveLoss,
      alignmentLoss: alignment === null ? null : alignmentLoss,
      totalLoss,
      maskRatio,
      contrastiveShare: losses.contrastiveShare,
      generativeShare: mean(masked.map((count) => Number(model.generates({ count, share: count / N })))),
      gradientNorm: norm,
      learningRate,
    };
  }

  #draw(place: StepPlace): DrawnStep {
    const mine = runOf(this.#shares, this.team.rank, this.team.size);
    return drawStep(this.model, mine, { ...this.config, seed: this.seed }, place);
  }

  /** What a step draws, made ahead or now. */
  #take(place: StepPlace): DrawnStep {
    const ahead = this.#ahead;
    this.#ahead = null;
    if (ahead === null) return this.#draw(place);
    if (ahead.place.step === place.step && ahead.place.epoch === place.epoch) return ahead;
    disposeDrawn(ahead);
    return this.#draw(place);
  }

  #checkBatch({ latents }: FeatureBatch): void {
    const { count } = this.part;
    if (latents.size(0) === count) return;
    throw new DreamError("value", {
      operation: "training step",
      expected: `${count} images: a batch of ${this.config.batchSize} among ${this.team.size} processes`,
      got: `${latents.size(0)} images`,
    });
  }

  /** This process's samples, in rounds of groups. */
  #rounds(batch: FeatureBatch, emptyCaption: Tensor, { shares, random }: DrawnStep): Round[] {
    const { rank } = this.team;
    const { accumulation } = this.config;
    const first = shares[0]!.share.firstPlace;
    return Array.from({ length: accumulation }, (_, round) => {
      const mine = runOf(shares, round, accumulation);
      return {
        groups: mine.map(({ share: { firstPlace, count }, mask, captionsDropped }) =>
          this.#group(batch, emptyCaption, { first: firstPlace - first, count }, mask, captionsDropped),
        ),
        draws: mine.map(({ draws }) => draws),
        begin: () => random.beginRound(rank, round),
      };
    });
  }

  /** Rows of a batch as a group on the model's device. */
  #group(
    { latents, captionIds, captions, classes, alignmentTargets }: FeatureBatch,
    emptyCaption: Tensor,
    { first, count }: { readonly first: number; readonly count: number },
    mask: TokenMask,
    captionsDropped: readonly boolean[],
  ): MaskGroup {
    return noGrad(() =>
      scope(() => {
        const { device } = this.model;
        const part = (x: Tensor): Tensor => x.narrow(0, first, count);
        const shape = [count, ...captions.shape.slice(1).map(() => 1)];
        const dropped = tensor(captionsDropped.map(Number), shape, { dtype: "bool", device });
        const whole = part(captions).to({ device });
        const told = captionsDropped.includes(true)
          ? where(dropped, emptyCaption.to({ device }), whole)
          : whole;
        return {
          latents: part(latents).to({ device }),
          captionIds: part(captionIds).to({ device }),
          captions: told,
          mask,
          classes: classes && part(classes).to({ device }),
          alignmentTargets: alignmentTargets && part(alignmentTargets).to({ device }),
        };
      }),
    );
  }

  /** Frees model, averages and optimiser. */
  dispose(): void {
    if (this.#ahead !== null) disposeDrawn(this.#ahead);
    this.optimiser.dispose();
    this.average.dispose();
    this.team.dispose();
  }
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
