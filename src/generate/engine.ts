/**
 * @file What is the same for all drawings with a model, computed once: the empty caption's keys and values, the encoder's pass over the
 * empty canvas, the samplers with the head's embeddings of their times.
 */
import { tokenCount } from "../models/dream/config.js";
import type { DreamModel } from "../models/dream/dream.js";
import { TokenMask } from "../models/dream/mask.js";
import type { Sampler, SamplingMethod } from "../models/dream/token-diffusion.js";
import type { TextMemory } from "../nn/index.js";
import { autocast, noGrad, scope, type Tensor, zeros } from "../tensor/index.js";
import type { Profile, Stage } from "./profile.js";

/** What matrix products are computed in. */
export type Precision = "float32" | "bfloat16";

/** How an engine computes. */
export interface EngineOptions {
  /** bfloat16 is several times as fast where the hardware multiplies it, and draws something slightly else. */
  readonly precision?: Precision;
  /** Is told how long each part takes. */
  readonly profile?: Profile | null;
}

/** A model with its weights as they are, ready to draw. */
export class DrawingEngine {
  /** Each decoder block's memory of the empty caption, one row. */
  readonly silence: readonly TextMemory[];
  /** What the encoder gives of the empty canvas, [1, U, D]. */
  readonly blank: Tensor;
  readonly #samplers = new Map<string, Sampler>();
  readonly #precision: Precision;
  readonly #profile: Profile | null;

  /**
   * @param model with the weights that it keeps while the engine lives
   * @param emptyCaption what the decoder reads where it is told nothing: states [1, L, W], or word ids int64 [1, L]
   */
  constructor(
    readonly model: DreamModel,
    emptyCaption: Tensor,
    { precision = "float32", profile = null }: EngineOptions = {},
  ) {
    this.#precision = precision;
    this.#profile = profile;
    const N = tokenCount(model.config);
    [this.silence, this.blank] = this.evaluate(() => {
      const silence = model.rememberCaptions(emptyCaption);
      const tokens = zeros([1, N, model.diffusion.tokenWidth], { device: model.device });
      const blank = model.encoder.forward(tokens, TokenMask.all(1, N)).output;
      for (const kept of [...silence, blank]) kept.persist();
      return [silence, blank] as const;
    });
  }

  /** @param stepCount reverse steps; null for the model's own @throws DreamError `value` where they are not possible */
  sampler(method: SamplingMethod, stepCount: number | null): Sampler {
    const key = `${method} ${stepCount}`;
    let sampler = this.#samplers.get(key);
    if (sampler === undefined) {
      sampler = this.model.diffusion.sampler(method, stepCount ?? undefined);
      this.#samplers.set(key, sampler);
    }
    return sampler;
  }

  /** Runs with nothing dropped and no gradient kept, in the engine's precision, and leaves the model's mode as it was. */
  evaluate<T>(body: () => T): T {
    const { model } = this;
    const before = model.mode;
    model.setMode("eval");
    try {
      return noGrad(() =>
        this.#precision === "float32"
          ? scope(body)
          : autocast(model.device, this.#precision, () => scope(body)),
      );
    } finally {
      model.setMode(before);
    }
  }

  /** Runs a part of a drawing, and tells the profile, where there is one. */
  time<T>(stage: Stage, body: () => T): T {
    return this.#profile === null ? body() : this.#profile.time(stage, body);
  }

  /** Frees what it computed once; the model stays. */
  dispose(): void {
    for (const kept of [...this.silence, this.blank, ...this.#samplers.values()]) kept.dispose();
  }
}
