/** @file What DREAM asks of a diffusion process over single tokens: a training loss, and draws. */
import type { Generator, Tensor } from "../../tensor/index.js";

/** The times and noise of a training loss; a row for each draw of each token. */
export interface DiffusionDraws {
  /** [R], in the process's own units. */
  readonly times: Tensor;
  /** [R, C] */
  readonly noise: Tensor;
}

/** Guidance of one sampling call: both branches' conditions are stacked, the conditional rows first. */
export interface HeadGuidance {
  /** One for all tokens, or one for each, [P, 1]. */
  readonly scale: number | Tensor;
}

/** Normal draws for P tokens. */
export interface TokenNoise {
  /** [P, C] */
  readonly initial: Tensor;
  /** [S, P, C], from the noisiest step to the last, which is not used; [0, P, C] where a sampler takes none. */
  readonly steps: Tensor;
}

/**
 * How the reverse process is followed. `ancestral` draws each earlier state from its posterior, as the paper does. The others are
 * deterministic: the initial noise decides, and temperature has nothing to scale. `ddim`: Song and others, arXiv 2010.02502;
 * `dpm-solver`: DPM-Solver++ of second order, multistep, Lu and others, arXiv 2211.01095.
 */
export type SamplingMethod = "ancestral" | "ddim" | "dpm-solver";

export interface SampleSettings {
  readonly guidance: HeadGuidance | null;
  /** Scales the noise of the steps, not the initial noise. */
  readonly temperature: number;
  /** Is shown the state after every reverse step. */
  readonly onStep?: (x: Tensor) => void;
}

/** Draws tokens with a head as it was when this was made. */
export interface Sampler {
  /** Reverse steps of one drawing. */
  readonly stepCount: number;
  /** How many blocks of noise it takes after the initial one. */
  readonly noiseBlocks: number;

  /**
   * Draws P tokens.
   * @param z [P, D], or [2P, D] with guidance: the conditional rows, then the unconditional ones
   * @returns [P, C]
   */
  sample(z: Tensor, noise: TokenNoise, settings: SampleSettings): Tensor;

  dispose(): void;
}

export interface TokenDiffusion {
  /** Numbers in a token (C). */
  readonly tokenWidth: number;
  /** Numbers that the head gives for a token. */
  readonly outputWidth: number;

  /** Random times and noise. @param rows R */
  draw(rows: number, random: Generator): DiffusionDraws;

  /** @param x0 clean tokens [R, C] @param z decoder outputs [R, D] @returns a loss for each row, [R] */
  loss(x0: Tensor, z: Tensor, draws: DiffusionDraws): Tensor;

  /** @param stepCount reverse steps; the model's own where left out @throws DreamError `value` where they are not possible */
  sampler(method: SamplingMethod, stepCount?: number): Sampler;
}
