/** @file A model small enough for tests that need a whole one. */
import type { DreamConfig } from "../src/models/dream/config.js";
import { paperConfig } from "../src/models/dream/config.js";
import { DreamModel, type MaskGroup } from "../src/models/dream/dream.js";
import { initialise } from "../src/models/dream/initialise.js";
import { TokenMask, TokenOrders } from "../src/models/dream/mask.js";
import { paperMasking } from "../src/models/dream/masking.js";
import { Generator, noGrad, randint, randn } from "../src/tensor/index.js";
import type { TrainingConfig } from "../src/train/trainer.js";

const stack = { width: 32, depth: 2, heads: 4, mlpWidth: 64 };

/** The paper's choices at toy sizes: 16 tokens of 16 numbers. */
export const tinyConfig: DreamConfig = {
  ...paperConfig("base"),
  latent: { side: 8, channels: 4, patch: 2 },
  encoder: stack,
  decoder: stack,
  bufferTokens: 4,
  classes: { kind: "shared", count: 10, dropProbability: 0 },
  textTower: { width: 32, depth: 2, heads: 4, contextLength: 8, vocabulary: 40 },
  captions: { kind: "states", length: 6, width: 24 },
  alignerDepth: 1,
  joint: {
    width: 20,
    image: { kind: "post-batch-norm", hiddenWidth: 40 },
    text: { kind: "linear" },
    pool: "all",
    depth: null,
  },
  head: { depth: 2, width: 32 },
  diffusion: { kind: "noise", sampling: "5" },
  drawsPerToken: 2,
  dropout: { attention: 0, projection: 0 },
};

/** A training of it, as the paper's where nothing else is said. */
export const tinyTraining: TrainingConfig = {
  optimiser: { betas: [0.9, 0.95], epsilon: 1e-8, weightDecay: 0.04, clip: 3, muon: null },
  learningRate: { kind: "constant", peak: 1e-3, minimum: 0, warmupEpochs: 0, totalEpochs: 48 },
  masking: paperMasking,
  batchSize: 6,
  maskGroups: 2,
  accumulation: 1,
  activations: "kept",
  captionDrop: 0.5,
  emaRate: 0.9,
  precision: "float32",
};

/** A model with every parameter drawn, the ones that begin at zero too, so that nothing is silent. */
export function tinyModel(config: DreamConfig = tinyConfig, seed = 1): DreamModel {
  const model = new DreamModel(config);
  const random = Generator.fromSeed(seed);
  initialise(model, random);
  noGrad(() => {
    for (const [name, tensor] of model.parameters())
      if (/modulation|final/.test(name)) tensor.normal_(0, 0.1, { generator: random });
  });
  return model;
}

/** Random pictures and captions with a share of their tokens hidden. */
export function tinyGroup(batch: number, maskedCount: number, seed: number): MaskGroup {
  const random = Generator.fromSeed(seed);
  const { textTower, captions } = tinyConfig;
  const ids = randint(1, textTower.vocabulary, [batch, textTower.contextLength], {
    generator: random,
    dtype: "int64",
  });
  return {
    latents: randn([batch, 4, 8, 8], { generator: random }),
    captionIds: ids,
    captions: randn([batch, captions.length, captions.width], { generator: random }),
    mask: TokenMask.firstOf(TokenOrders.random(batch, 16, random), maskedCount),
  };
}
