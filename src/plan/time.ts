/**
 * @file How long training takes, on paper: the arithmetic of the slowest process at a rate, with the gradients on their way while the
 * backward pass still runs.
 */
import type { Recipe } from "../recipe/recipe.js";
import { stepsOf } from "../recipe/recipe.js";
import { imbalance } from "./balance.js";
import { planCommunication } from "./communication.js";
import { stepFlops } from "./flops.js";

/** One device among several, and the way to its neighbours. */
export interface DeviceSpeed {
  /** What its matrix products reach, in operations a second. */
  readonly rate: number;
  /** Share of that rate that training steps reach, 0..1. */
  readonly efficiency: number;
  /** Bytes a second that it sends while it receives as many; null where nobody said. */
  readonly bandwidth: number | null;
}

/** Seconds, and what follows from them. */
export interface TimePlan {
  /** Forward and backward pass of the slowest process, and the optimiser. */
  readonly computeSeconds: number;
  /** All that is sent, whether anything waits for it or not; null where the bandwidth is unknown. */
  readonly communicationSeconds: number | null;
  /** Computing, and the sending that does not hide behind it. */
  readonly stepSeconds: number;
  readonly steps: number;
  readonly runSeconds: number;
  readonly imagesPerSecond: number;
  /** How much longer the slowest process computes than they all do in the mean. */
  readonly imbalance: number;
}

/**
 * Share of the matrix rate that training steps reach; the rest is what a step does besides products, and products smaller than the one
 * that the rate is measured with. `cpu`: 0.66 to 0.83 over steps of dream-b at batch 4 and of the bench's nano model at batch 32, float32,
 * one AVX2 core. `cuda`: 0.22 of dream-b at batch 64, 0.21 of dream-l at batch 32, bfloat16, one H100 with libtorch 2.11 (LOG.md).
 */
export const usualEfficiency = { cpu: 0.7, cuda: 0.21 } as const;

/** How long a run takes on devices of some speed. @param samples of an epoch @param textTokens that the text tower reads of each caption */
export function planTime(
  recipe: Recipe,
  processes: number,
  { rate, efficiency, bandwidth }: DeviceSpeed,
  { samples, textTokens }: { readonly samples: number; readonly textTokens: number },
): TimePlan {
  const { forward, backward, optimiser } = stepFlops(recipe, textTokens);
  const uneven = imbalance(recipe, processes, textTokens);
  const seconds = (flops: number): number => flops / (rate * efficiency);
  const forwardSeconds = (seconds(forward) * uneven) / processes;
  const backwardSeconds = (seconds(backward) * uneven) / processes;
  const computeSeconds = forwardSeconds + backwardSeconds + seconds(optimiser);
  const { gradients, total } = planCommunication(recipe, processes);
  const sending = (bytes: number): number => (bandwidth === null ? 0 : bytes / bandwidth);
  // Gradients are sent as the backward pass finishes them: in its last round, where it takes several.
  const hiding = backwardSeconds / recipe.accumulation;
  const late = Math.max(0, sending(gradients) - hiding) + sending(total - gradients);
  const stepSeconds = computeSeconds + late;
  const steps = stepsOf(recipe, samples);
  return {
    computeSeconds,
    communicationSeconds: bandwidth === null && processes > 1 ? null : sending(total),
    stepSeconds,
    steps,
    runSeconds: steps * stepSeconds,
    imagesPerSecond: recipe.batchSize / stepSeconds,
    imbalance: uneven,
  };
}
