/** @file What is checked: a model built from the recording's config with the recording's weights, and the book of checks. */
import { DreamModel } from "../models/dream/dream.js";
import { NoiseDiffusion } from "../models/dream/noise-diffusion.js";
import { pytorchState } from "../models/dream/pytorch-names.js";
import { configFromFlags } from "../models/dream/release-settings.js";
import { fileState, loadState } from "../nn/index.js";
import { scope, type Tensor } from "../tensor/index.js";
import type { Recordings } from "./recordings.js";
import { type Check, errorOf, type Quantity } from "./tolerance.js";

/** A fresh model with the recorded weights, in `eval` mode. */
export function recordedModel(recordings: Recordings): DreamModel {
  const model = new DreamModel(configFromFlags(recordings.json.config), recordings.device);
  loadState(pytorchState(model), fileState(recordings.weights));
  model.setMode("eval");
  return model;
}

/** The recorded model's diffusion process, which is the paper's. */
export function recordedDiffusion({ diffusion }: DreamModel): NoiseDiffusion {
  if (diffusion instanceof NoiseDiffusion) return diffusion;
  throw new Error("internal: a recording is of the paper's diffusion");
}

/** Collects checks, and knows which recorded results no check has read. */
export class CheckBook {
  readonly checks: Check[] = [];
  readonly #seen = new Set<string>();

  constructor(readonly recordings: Recordings) {}

  /** Whether a result was recorded. */
  wants(name: string): boolean {
    return this.recordings.hasInput(name);
  }

  /**
   * Compares one result, where it was recorded.
   * @param compute makes the value; its other tensors are freed
   */
  check(name: string, compute: () => Tensor | readonly number[], quantity: Quantity = "result"): void {
    if (!this.wants(name) || this.#seen.has(name)) return;
    this.#seen.add(name);
    const expected = this.recordings.result(name);
    const actual = scope(() => {
      const value = compute();
      return Array.isArray(value)
        ? { values: value as readonly number[] }
        : { values: (value as Tensor).toNumbers(), shape: (value as Tensor).shape };
    });
    this.checks.push({ name, error: errorOf(expected, actual, this.recordings.about(name), quantity) });
  }

  /** Adds a check of something that is no recorded tensor. */
  add(name: string, error: number): void {
    this.checks.push({ name, error });
  }

  /** Recorded results that nothing was compared with. */
  unread(): string[] {
    return this.recordings.names.filter((name) => name.startsWith("out.") && !this.#seen.has(name));
  }
}
