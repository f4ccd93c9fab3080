/** @file Whether both sides of the drawing bench draw the same from the same draws: tokens, and the candidates' scores. */
import { join } from "node:path";
import { DrawingEngine } from "../src/generate/engine.js";
import { drawLatents } from "../src/generate/generate.js";
import type { NoiseRequest, NoiseSource } from "../src/generate/noise.js";
import { tokenCount, tokenWidth } from "../src/models/dream/config.js";
import { TokenOrders } from "../src/models/dream/mask.js";
import { pytorchState } from "../src/models/dream/pytorch-names.js";
import type { TokenNoise } from "../src/models/dream/token-diffusion.js";
import { patchify } from "../src/models/dream/tokens.js";
import { type NamedTensor, writeState } from "../src/nn/index.js";
import { Generator, packageRoot, randn, scope, stack, type Tensor, tensor } from "../src/tensor/index.js";
import { choiceStep, diffusionSteps, drawnWith, selectionOf, steps, usual } from "./generate-cases.js";
import type { Peer } from "./peer.js";
import { captionsOf, sizes } from "./sizes.js";
import { randomModel } from "./timed-drawing.js";

const path = join(packageRoot(), "build", "bench", "check.safetensors");
const B = 3;

/** Draws of one tensor [K, S + 1, B, N, C], taken along N as tokens are drawn. */
class GivenNoise implements NoiseSource {
  readonly #all: Tensor;
  readonly #taken = new Map<string, number>();

  constructor(all: Tensor) {
    this.#all = all;
  }

  draw({ trajectories, tokensPerImage: P, tokenWidth: C, noiseBlocks: S }: NoiseRequest): TokenNoise {
    const each = trajectories.map(({ image, candidate }) => {
      const key = `${image} ${candidate}`;
      const from = this.#taken.get(key) ?? 0;
      this.#taken.set(key, from + P);
      return this.#all.select(0, candidate).select(1, image).narrow(1, from, P);
    });
    const draws = stack(each, 1).reshape([S + 1, trajectories.length * P, C]);
    return { initial: draws.select(0, 0), steps: draws.narrow(0, 1, S) };
  }
}

/** @returns a line for each quantity @throws Error where the sides differ */
export async function checkDrawing(peer: Extract<Peer, { kind: "ready" }>): Promise<string[]> {
  const random = Generator.fromSeed(5);
  const model = randomModel(drawnWith("check"), random);
  const [N, C, K] = [tokenCount(model.config), tokenWidth(model.config), 3];
  const { captions: told } = model.config;
  const orders = TokenOrders.random(B, N, random);
  const inputs = {
    ids: captionsOf([9, 20, 33], sizes.check),
    states: randn([B, told.length, told.width], { generator: random }),
    empty: randn([1, told.length, told.width], { generator: random }),
    noise: randn([K, diffusionSteps + 1, B, N, C], { generator: random }),
  };
  const state = pytorchState(model).map(([name, value]): NamedTensor => [`model.${name}`, value]);
  const toldOrders: NamedTensor = ["orders", tensor(orders.values, [B, N], { dtype: "int64" })];
  await writeState(path, [...state, ...Object.entries(inputs), toldOrders], {});
  const engine = new DrawingEngine(model, inputs.empty);
  const lines: string[] = [];
  for (const candidates of [1, K]) {
    const atStep = candidates === 1 ? 0 : choiceStep(tokenCount(model.config), steps);
    const theirs = (await peer.ask({ check: { path, candidates, atStep } })) as unknown as {
      readonly tokens: number[];
      readonly scores: number[][];
    };
    let scores: readonly number[] = [];
    const tokens = scope(() => {
      const request = {
        captions: inputs.states,
        captionIds: inputs.ids,
        classes: null,
        orders,
        noise: new GivenNoise(inputs.noise),
        ...usual,
        selection: selectionOf({ candidates, atStep }),
      };
      const latents = drawLatents(engine, request, (event) => {
        if (event.kind === "choice") scores = event.scores;
      });
      return patchify(latents, model.config.latent.patch).toNumbers();
    });
    const way = candidates === 1 ? "plain" : `${candidates} candidates`;
    lines.push(same(`tokens, ${way}`, tokens, theirs.tokens));
    if (candidates > 1) lines.push(same(`scores, ${way}`, scores, theirs.scores.flat()));
  }
  return lines;
}

function same(what: string, ours: readonly number[], theirs: readonly number[]): string {
  const largest = Math.max(...theirs.map(Math.abs));
  const apart = Math.max(...theirs.map((value, i) => Math.abs(value - ours[i]!))) / largest;
  if (!(ours.length === theirs.length && apart < 1e-4))
    throw new Error(`the sides differ: ${what} by ${apart} of the largest, ${largest}`);
  return `${what}: ${ours.length} numbers within ${apart.toExponential(1)} of the largest, ${largest.toFixed(3)}`;
}
