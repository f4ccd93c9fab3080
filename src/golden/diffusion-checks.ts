/** @file Checks of the diffusion head and its process: network, loss terms, reverse steps, sampling (SPEC sections 3, 4, 7). */

import { timeFrequencies } from "../models/dream/diffusion-head.js";
import type { DreamModel } from "../models/dream/dream.js";
import { type NoiseSampler, predictionOf } from "../models/dream/noise-sampler.js";
import type { HeadGuidance } from "../models/dream/token-diffusion.js";
import { cat, stack, type Tensor } from "../tensor/index.js";
import { type CheckBook, recordedDiffusion } from "./subject.js";

/** @param model in `eval` mode with the recorded weights; not changed */
export function checkDiffusion(book: CheckBook, model: DreamModel): void {
  checkNetwork(book, model);
  checkTerms(book, model);
  checkReverseSteps(book, model);
  checkSampling(book, model);
}

function checkNetwork(book: CheckBook, { diffusionHead }: DreamModel): void {
  const { recordings } = book;
  if (recordings.hasInput("in.net.x")) {
    const times = recordings.input("in.net.t");
    book.check("out.net.t_freq", () => timeFrequencies(times));
    book.check("out.net.out", () =>
      diffusionHead.forward(recordings.input("in.net.x"), times, recordings.input("in.net.c")),
    );
  }
  if (!recordings.hasInput("in.netcfg.x")) return;
  const scale = Number(/scale ([\d.]+\d|\d+)/.exec(recordings.about("out.netcfg.out").about ?? "")?.[1] ?? 3);
  book.check("out.netcfg.out", () => {
    const [half] = recordings.input("in.netcfg.x").chunk(2, 0) as [Tensor];
    const output = diffusionHead.forward(
      cat([half, half], 0),
      recordings.input("in.netcfg.t"),
      recordings.input("in.netcfg.c"),
    );
    const { noise, interpolation, unguided } = predictionOf(output, { scale });
    return cat([cat([noise, interpolation], 1), cat([noise, unguided!], 1)], 0);
  });
}

function checkTerms(book: CheckBook, model: DreamModel): void {
  const diffusion = recordedDiffusion(model);
  const { recordings } = book;
  if (!recordings.hasInput("in.loss.x0")) return;
  const [x0, z, noise, times] = ["x0", "z", "noise", "t"].map((name) =>
    recordings.input(`in.loss.${name}`),
  ) as [Tensor, Tensor, Tensor, Tensor];
  book.check("out.loss.x_t", () => diffusion.diffuse(x0, times, noise));
  const { squaredError, variational } = diffusion.terms(x0, z, times, noise);
  const total = squaredError.add(variational);
  book.check("out.loss.mse", () => squaredError);
  book.check("out.loss.vb", () => variational);
  book.check("out.loss.total", () => total);
  book.check("out.loss.plain_mean", () => total.mean().reshape([1]));
  if (!recordings.hasInput("in.loss.mask")) return;
  const mask = recordings.input("in.loss.mask");
  book.check("out.loss.masked_mean", () => total.mul(mask).sum().div(mask.sum()).reshape([1]));
}

function checkReverseSteps(book: CheckBook, model: DreamModel): void {
  const sampler = recordedDiffusion(model).ancestral();
  const { recordings } = book;
  if (!recordings.hasInput("in.pstep.x")) return;
  const [x, z, noise] = ["x", "c", "noise"].map((name) => recordings.input(`in.pstep.${name}`)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const condition = sampler.head.condition(z);
  const steps = Array.from({ length: sampler.stepCount }, (_, index) =>
    sampler.reverseStep(x, index, sampler.predict(x, index, condition, null)),
  );
  book.check("out.pstep.mean", () => stack(steps.map(({ mean }) => mean)));
  book.check("out.pstep.log_variance", () => stack(steps.map(({ logVariance }) => logVariance)));
  book.check("out.pstep.pred_xstart", () => stack(steps.map(({ start }) => start)));
  for (const name of recordings.names) {
    const temperature = /^out\.pstep\.sample_t([\d.]+)$/.exec(name)?.[1];
    if (temperature === undefined) continue;
    book.check(name, () =>
      stack(steps.map((step, index) => sampler.drawStep(step, index, noise, Number(temperature)))),
    );
  }
}

function checkSampling(book: CheckBook, model: DreamModel): void {
  const { recordings } = book;
  for (const name of recordings.names) {
    const [, key, scale, temperature] = /^out\.sample\.((?:cfg)([\d.]+))\.t([\d.]+)\.out$/.exec(name) ?? [];
    if (key === undefined || !recordings.hasInput("in.sample.z")) continue;
    const guidance = Number(scale) === 1 ? null : { scale: Number(scale) };
    const states = sampledStates(
      book,
      recordedDiffusion(model).ancestral(),
      key,
      guidance,
      Number(temperature),
    );
    book.check(name, () => states.at(-1)!);
    book.check(name.replace(/out$/, "steps"), () => stack(states));
  }
}

/**
 * The state after every reverse step. With guidance the recording also follows the unconditional rows, which our sampler does not
 * compute since nothing depends on them: they are followed here, on the prediction that the sampler used.
 */
function sampledStates(
  book: CheckBook,
  sampler: NoiseSampler,
  key: string,
  guidance: HeadGuidance | null,
  temperature: number,
): Tensor[] {
  const { recordings } = book;
  const all = recordings.input("in.sample.z");
  const initial = recordings.input(`rng.sample.${key}.init`);
  const noises = recordings.input(`rng.sample.${key}.steps`);
  const P = initial.size(0);
  const z = guidance === null ? all.narrow(0, 0, P) : all;
  const conditional: Tensor[] = [];
  sampler.sample(
    z,
    { initial, steps: noises.narrow(1, 0, P) },
    { guidance, temperature, onStep: (x) => void conditional.push(x.clone().persist()) },
  );
  if (guidance === null) return conditional;
  const condition = sampler.head.condition(z);
  let state = initial;
  return conditional.map((after, i) => {
    const index = sampler.stepCount - 1 - i;
    const before = i === 0 ? initial : conditional[i - 1]!;
    const { noise, unguided } = sampler.predict(before, index, condition, guidance);
    const step = sampler.reverseStep(state, index, { noise, interpolation: unguided! });
    state = sampler.drawStep(step, index, noises.select(0, i).narrow(0, P, P), temperature);
    return cat([after, state], 0);
  });
}
