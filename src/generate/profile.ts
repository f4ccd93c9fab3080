/** @file Where a drawing's time goes, by the parts that it runs. */
import { type Device, synchronize } from "../tensor/index.js";

export const stages = ["captions", "encoder", "decoder", "head", "scores", "codec"] as const;
export type Stage = (typeof stages)[number];

/** Collects how long each part of drawings takes. */
export class Profile {
  readonly #device: Device;
  readonly #seconds = new Map<Stage, number>();

  /** @param device whose work is waited for, which costs a GPU some of its speed */
  constructor(device: Device) {
    this.#device = device;
  }

  /** Runs a part, and counts its time. */
  time<T>(stage: Stage, body: () => T): T {
    synchronize(this.#device);
    const started = performance.now();
    try {
      return body();
    } finally {
      synchronize(this.#device);
      const seconds = (performance.now() - started) / 1000;
      this.#seconds.set(stage, (this.#seconds.get(stage) ?? 0) + seconds);
    }
  }

  /** @returns seconds of each part that ran */
  report(): { readonly stage: Stage; readonly seconds: number }[] {
    return stages.flatMap((stage) => {
      const seconds = this.#seconds.get(stage);
      return seconds === undefined ? [] : [{ stage, seconds }];
    });
  }
}
