/**
 * @file Everything that a step draws by chance, as a function of the run's seed, the step's number, and a sample's place in the batch or
 * its mask group. So a step repeats itself wherever it is taken: after a stop, or shared among processes.
 */
import { tokenCount } from "../models/dream/config.js";
import type { DreamModel } from "../models/dream/dream.js";
import { type TokenMask, TokenOrders } from "../models/dream/mask.js";
import { drawMaskRatio, type MaskingSchedule } from "../models/dream/masking.js";
import type { DiffusionDraws } from "../models/dream/token-diffusion.js";
import { Generator, rand, scope, seedDefaultGenerators, stack, type Tensor } from "../tensor/index.js";
import type { Share } from "./sharing.js";

/** A sample's stream gives its order first, then whether its caption is dropped, then noise. */
interface SampleDraws {
  readonly random: Generator;
  readonly order: Int32Array;
  readonly captionDropped: boolean;
}

/** What one share of a batch draws. */
export interface ShareDraws {
  readonly orders: TokenOrders;
  /** One flag for each sample. */
  readonly captionsDropped: readonly boolean[];
  /** Times and noise for the tokens that a mask of these hides. */
  diffusion(mask: TokenMask): DiffusionDraws;
  /** Lets go of the samples' streams. */
  dispose(): void;
}

export class StepRandom {
  constructor(
    readonly seed: number,
    readonly step: number,
  ) {}

  /** The mask ratio of a group. */
  maskRatio(group: number, schedule: MaskingSchedule, epoch: number): number {
    const generator = this.#of("masks", group);
    const draw = scope(() => rand([1], { generator }).item());
    generator.dispose();
    return drawMaskRatio(schedule, epoch, draw);
  }

  /** @param captionDrop share of captions that the decoder sees as empty, 0..1 */
  share(model: DreamModel, { firstPlace, count }: Share, captionDrop: number): ShareDraws {
    const N = tokenCount(model.config);
    const samples = Array.from({ length: count }, (_, i) => this.#sample(firstPlace + i, N, captionDrop));
    const orders = new Int32Array(count * N);
    for (const [i, { order }] of samples.entries()) orders.set(order, i * N);
    return {
      orders: new TokenOrders(count, N, orders),
      captionsDropped: samples.map(({ captionDropped }) => captionDropped),
      diffusion: (mask) => diffusionDraws(model, samples, mask.count),
      dispose: () => {
        for (const { random } of samples) random.dispose();
      },
    };
  }

  /**
   * Begins what belongs to a process and a round, and not to samples: the stream that dropout draws from.
   * @returns the stream that drops class embeddings, where a config drops any
   */
  beginRound(rank: number, round: number): Generator {
    seedDefaultGenerators("dropout", this.seed, this.step, rank, round);
    return this.#of("classes", rank, round);
  }

  #sample(place: number, N: number, captionDrop: number): SampleDraws {
    const random = this.#of("sample", place);
    return scope(() => {
      const draws = rand([N + 1], { generator: random }).toFloat32Array();
      const order = Int32Array.from({ length: N }, (_, n) => n).sort(
        (a, b) => draws[a]! - draws[b]! || a - b,
      );
      return { random, order, captionDropped: draws[N]! < captionDrop };
    });
  }

  #of(what: string, ...which: readonly number[]): Generator {
    return Generator.fromKey(what, this.seed, this.step, ...which);
  }
}

/** Draw by draw, each all samples' masked tokens: repeats tile the batch (SPEC section 13). */
function diffusionDraws(model: DreamModel, samples: readonly SampleDraws[], masked: number): DiffusionDraws {
  return scope(() => {
    const repeats = model.config.drawsPerToken;
    const each = samples.map(({ random }) => model.diffusion.draw(repeats * masked, random));
    const tiled = (parts: readonly Tensor[]): Tensor => {
      const rest = parts[0]!.shape.slice(1);
      return stack(
        parts.map((part) => part.reshape([repeats, masked, ...rest])),
        1,
      )
        .reshape([-1, ...rest])
        .to({ device: model.device });
    };
    return { times: tiled(each.map(({ times }) => times)), noise: tiled(each.map(({ noise }) => noise)) };
  });
}
