/** @file Drawings of a model of random weights, timed: latents from captions. */
import { DrawingEngine, type Precision } from "../src/generate/engine.js";
import { drawLatents } from "../src/generate/generate.js";
import { SeededNoise, seededOrders } from "../src/generate/noise.js";
import { type DreamConfig, tokenCount } from "../src/models/dream/config.js";
import { DreamModel } from "../src/models/dream/dream.js";
import { initialise } from "../src/models/dream/initialise.js";
import { type Device, Generator, noGrad, randn, scope, synchronize } from "../src/tensor/index.js";
import { type DrawingCase, selectionOf, usual } from "./generate-cases.js";
import { captionsOf } from "./sizes.js";

/** A model with weights of a trained one's size: what begins at zero would leave the head nothing to do. @param random of the device */
export function randomModel(config: DreamConfig, random: Generator, device: Device = "cpu"): DreamModel {
  const model = new DreamModel(config, device);
  initialise(model, random);
  noGrad(() => {
    for (const [name, tensor] of model.parameters())
      if (/^diffusionHead\.(.*modulation|final)/.test(name)) tensor.normal_(0, 0.02, { generator: random });
  });
  return model;
}

/** Draws with a model of its own, which whoever disposes of the engine disposes of too. */
export function randomEngine(config: DreamConfig, precision: Precision, device: Device): DrawingEngine {
  const model = randomModel(config, Generator.ofDevice(device), device);
  const { length, width } = config.captions;
  return scope(() => new DrawingEngine(model, randn([1, length, width], { device }), { precision }));
}

let nextSeed = 0;

/** Tokens of a caption that the text tower reads. */
export const captionLength = 20;

/** @param stepCount decoding steps @returns seconds of one drawing, all its pictures */
export function drawSeconds(
  engine: DrawingEngine,
  one: Pick<DrawingCase, "batch" | "candidates" | "atStep">,
  stepCount: number,
): number {
  const { model } = engine;
  const { device } = model;
  const { captions: told } = model.config;
  const seeds = Array.from({ length: one.batch }, () => nextSeed++);
  return scope(() => {
    const request = {
      captions: randn([one.batch, told.length, told.width], { device }),
      captionIds: captionsOf(
        seeds.map(() => captionLength),
        model.config,
      ).to({ device }),
      classes: null,
      orders: seededOrders(seeds, tokenCount(model.config)),
      noise: new SeededNoise(seeds),
      ...usual,
      stepCount,
      selection: selectionOf(one),
    };
    synchronize(device);
    const started = performance.now();
    drawLatents(engine, request);
    synchronize(device);
    return (performance.now() - started) / 1000;
  });
}
