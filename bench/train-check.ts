/** @file Whether both sides of the training bench compute the same: losses of one set of weights on one batch, and parameter counts. */
import { join } from "node:path";
import { tokenCount, tokenWidth } from "../src/models/dream/config.js";
import { DreamModel } from "../src/models/dream/dream.js";
import { initialise } from "../src/models/dream/initialise.js";
import { TokenMask, TokenOrders } from "../src/models/dream/mask.js";
import { maskedCount } from "../src/models/dream/masking.js";
import { pytorchState } from "../src/models/dream/pytorch-names.js";
import { type NamedTensor, writeState } from "../src/nn/index.js";
import { parameterCounts } from "../src/plan/communication.js";
import { Generator, noGrad, packageRoot, randint, randn, scope, type Tensor } from "../src/tensor/index.js";
import type { Peer } from "./peer.js";
import { sizes } from "./sizes.js";
import { maskRatio } from "./train-cases.js";

const batch = 6;
const path = join(packageRoot(), "build", "bench", "check.safetensors");
const config = sizes.check;

/** @returns a line for each quantity @throws Error where the sides differ */
export async function checkTraining(peer: Extract<Peer, { kind: "ready" }>): Promise<string[]> {
  const random = Generator.fromSeed(5);
  const model = new DreamModel(config);
  initialise(model, random);
  // What begins at zero would hide what comes before it.
  noGrad(() => {
    for (const [name, tensor] of model.parameters())
      if (/modulation|final|positions/.test(name)) tensor.normal_(0, 0.1, { generator: random });
  });
  const inputs = inputsOf(random);
  const state = pytorchState(model).map(([name, tensor]): NamedTensor => [`model.${name}`, tensor]);
  await writeState(path, [...state, ...Object.entries(inputs.told)], {});
  const theirs = await peer.ask({ check: path });
  const ours = scope(() => {
    const { generative, contrastive } = model.losses([inputs.group], [inputs.draws]);
    return { generative: generative.item(), contrastive: contrastive.item() };
  });
  const losses = Object.entries(ours).map(([name, value]) => {
    const other = Number(theirs[name]);
    if (!(Math.abs(value - other) < 1e-4 * Math.abs(other)))
      throw new Error(`the sides differ: ${name} loss ${value} here, ${other} at the peer`);
    return `${name} loss ${value.toFixed(6)} here, ${other.toFixed(6)} at the peer`;
  });
  return [...losses, await sameCount(peer, "base"), await sameCount(peer, "nano")];
}

async function sameCount(peer: Extract<Peer, { kind: "ready" }>, size: keyof typeof sizes): Promise<string> {
  const { parameters } = await peer.ask({ count: size });
  const ours = parameterCounts(sizes[size]).total;
  if (parameters === ours) return `${ours} parameters of ${size} on both sides`;
  throw new Error(`the sides differ: ${size} has ${ours} parameters here, ${parameters} at the peer`);
}

/** One batch as each side takes it: the peer times and noise for all tokens, we those of the hidden ones. */
function inputsOf(random: Generator) {
  const { latent, textTower, captions, drawsPerToken } = config;
  const [N, C] = [tokenCount(config), tokenWidth(config)];
  const mask = TokenMask.firstOf(TokenOrders.random(batch, N, random), maskedCount(maskRatio, N));
  const rows = drawsPerToken * batch * N;
  const times = randint(0, 1000, [rows], { generator: random, dtype: "int64" });
  const noise = randn([rows, C], { generator: random });
  const latents = randn([batch, latent.channels, latent.side, latent.side], { generator: random });
  const ids = randint(1, textTower.vocabulary, [batch, textTower.contextLength], {
    generator: random,
    dtype: "int64",
  });
  const states = randn([batch, captions.length, captions.width], { generator: random });
  const hidden = (of: Tensor): Tensor => {
    const byDraw = of.reshape([drawsPerToken, batch * N, -1]).indexSelect(1, mask.rows("cpu"));
    return byDraw.flatten(0, 1);
  };
  return {
    group: { latents, captionIds: ids, captions: states, mask },
    draws: { times: hidden(times).squeeze(1), noise: hidden(noise) },
    told: { latents, ids, states, mask: mask.toTensor("cpu"), times, noise },
  };
}
