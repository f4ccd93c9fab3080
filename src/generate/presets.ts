/**
 * @file Named trades of time against quality, as docs/drawing.md measures them. `exact` is the paper's protocol; the others leave steps
 * out, which changes what is drawn.
 */
import type { TokenSampling } from "./schedule.js";

/** A way to draw, by name. */
export interface Preset {
  /** Decoding steps. */
  readonly steps: number;
  readonly tokens: TokenSampling;
  /** Steps from one computation of the branch without caption to the next. */
  readonly guidanceEvery: number;
}

/** From the slowest on. */
export const presetNames = ["exact", "balanced", "fast"] as const;
/** One of {@link presetNames}. */
export type PresetName = (typeof presetNames)[number];

const from = (first: number, last: number) => ({ first, last });

/** What each name means. */
export const presets: Readonly<Record<PresetName, Preset>> = {
  exact: { steps: 64, tokens: { method: "ancestral", diffusionSteps: from(100, 100) }, guidanceEvery: 1 },
  balanced: { steps: 32, tokens: { method: "ancestral", diffusionSteps: from(50, 10) }, guidanceEvery: 1 },
  fast: { steps: 8, tokens: { method: "ancestral", diffusionSteps: from(12, 6) }, guidanceEvery: 2 },
};
