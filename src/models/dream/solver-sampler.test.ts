import { describe, expect, it } from "vitest";
import { tinyConfig, tinyModel } from "../../../test/tiny.js";
import { noGrad, randn, scope, type Tensor, tensor, zeros } from "../../tensor/index.js";
import type { DreamConfig } from "./config.js";
import { diffusionConstants } from "./diffusion-constants.js";
import type { DreamModel } from "./dream.js";
import { type SolverMethod, solverStep } from "./solver-sampler.js";

/** Tokens of one Gaussian, for which the best guess of the clean token and the whole path are known. */
const [mean, deviation] = [1.5, 0.4];

/** Where a state goes: how many deviations it is from the mean stays as it is. */
function exact(x: number, signal: number, noise: number): number {
  return mean + (deviation * (x - signal * mean)) / Math.hypot(signal * deviation, noise);
}

function solved(method: SolverMethod, count: number, x0: number): number {
  const angles = Array.from({ length: count }, (_, i) => ((1 - i / count) * 0.99 * Math.PI) / 2);
  const path = { signals: angles.map(Math.cos), deviations: angles.map(Math.sin) };
  let x = tensor([x0], [1]);
  let before = null;
  for (let i = 0; i < count; i++) {
    const [signal, noise] = [path.signals[i]!, path.deviations[i]!];
    const gain = (signal * deviation ** 2) / ((signal * deviation) ** 2 + noise ** 2);
    const start = x
      .sub(signal * mean)
      .mul(gain)
      .add(mean);
    x = solverStep(path, method, i, x, start, before);
    before = start;
  }
  return x.item();
}

describe("deterministic samplers", () => {
  const begin = Math.cos((0.99 * Math.PI) / 2);
  const truth = exact(0.8, begin, Math.sqrt(1 - begin ** 2));
  const error = (method: SolverMethod, count: number): number => Math.abs(solved(method, count, 0.8) - truth);

  it("come to where the exact path ends", () => {
    expect(error("ddim", 400)).toBeLessThan(2e-3);
    expect(error("dpm-solver", 400)).toBeLessThan(2e-3);
  });

  it("DPM-Solver is nearer with fewer steps", () => {
    for (const count of [10, 20, 40, 80])
      expect(error("dpm-solver", count)).toBeLessThan(0.5 * error("ddim", count));
  });
});

describe("DDIM along a head's path goes to the next state with the noise that the head tells", () => {
  const C = 16;
  const S = 7;

  function drawn(config: DreamConfig, tell: (x: Tensor, z: Tensor, model: DreamModel) => Tensor): void {
    noGrad(() =>
      scope(() => {
        const model = tinyModel(config);
        model.setMode("eval");
        const z = randn([3, config.decoder.width]);
        const initial = randn([3, C]);
        const sampler = model.diffusion.sampler("ddim", S);
        const settings = { guidance: null, temperature: 1 };
        const given = sampler.sample(z, { initial, steps: zeros([0, 3, C]) }, settings);
        const expected = tell(initial, z, model);
        const apart = given.sub(expected).abs().amax().item();
        expect(apart).toBeLessThan(1e-4 * expected.abs().amax().item());
        sampler.dispose();
      }),
    );
  }

  it("where it predicts noise", () => {
    const {
      timestepMap,
      sqrtAlphasCumprod: signal,
      sqrtOneMinusAlphasCumprod: deviation,
    } = diffusionConstants(1000, String(S));
    drawn(tinyConfig, (initial, z, { diffusionHead }) => {
      let x = initial;
      for (let i = S - 1; i >= 0; i--) {
        const told = tensor(Array<number>(3).fill(timestepMap[i]!), [3]);
        const noise = diffusionHead.forward(x, told, z).narrow(1, 0, C);
        const start = x.sub(noise.mul(deviation[i]!)).div(signal[i]!);
        x = i === 0 ? start : start.mul(signal[i - 1]!).add(noise.mul(deviation[i - 1]!));
      }
      return x;
    });
  });

  it("where it predicts velocity", () => {
    drawn({ ...tinyConfig, diffusion: { kind: "velocity", steps: 3 } }, (initial, z, { diffusionHead }) => {
      let x = initial;
      for (let i = S; i > 0; i--) {
        const [now, next] = [(i / S) * (Math.PI / 2), ((i - 1) / S) * (Math.PI / 2)];
        const told = tensor(Array<number>(3).fill((1000 * i) / S), [3]);
        const velocity = diffusionHead.forward(x, told, z);
        const start = x.mul(Math.cos(now)).sub(velocity.mul(Math.sin(now)));
        const noise = x.mul(Math.sin(now)).add(velocity.mul(Math.cos(now)));
        x = start.mul(Math.cos(next)).add(noise.mul(Math.sin(next)));
      }
      return x;
    });
  });
});
