/**
 * @file DEVIATION, where a config asks for it: a model that begins by knowing where its tokens lie. From the paper's start, all
 * random, 700 steps on scenes did not suffice to find out that a hidden token continues its neighbours (LOG.md); pictures were
 * drawn token by token. Nothing but the first values differs: positions are waves, and each head of the decoder looks at one
 * neighbour, by turns. Training changes both like everything else.
 */
import { DreamError } from "../../errors.js";
import { type Generator, noGrad, type Tensor, tensor } from "../../tensor/index.js";
import { type DreamConfig, tokenCount } from "./config.js";
import type { DreamModel } from "./dream.js";

/** What the heads look at, in order of the blocks: (columns, rows) from a token. */
const neighbours: readonly (readonly [columns: number, rows: number])[] = [
  ...([
    [-1, 0],
    [1, 0],
    [0, -1],
    [0, 1],
  ] as const),
  ...([
    [-1, -1],
    [1, 1],
    [-1, 1],
    [1, -1],
  ] as const),
  ...([
    [-2, 0],
    [2, 0],
    [0, -2],
    [0, 2],
  ] as const),
];

/**
 * Where a place's waves are among the numbers of its position: for columns and for rows, a sine and a cosine of each of `side`
 * frequencies, `repeats` times.
 */
class WaveLayout {
  readonly repeats: number;

  constructor(
    readonly side: number,
    readonly width: number,
  ) {
    this.repeats = width / 4 / side;
  }

  /** Radians for each step along an axis. @param frequency 0..side-1; the highest turns half a circle, so no two places are alike */
  angle(frequency: number): number {
    return (Math.PI * (frequency + 1)) / this.side;
  }

  /** @param axis 0 for columns, 1 for rows @param part 0 for the sine, 1 for the cosine */
  at(axis: number, part: number, frequency: number, repeat: number): number {
    return (2 * axis + part) * (this.width / 4) + repeat * this.side + frequency;
  }

  /** The row of a head's projection that takes a wave. */
  row(axis: number, part: number, frequency: number): number {
    return (2 * axis + part) * this.side + frequency;
  }

  each(body: (axis: 0 | 1, frequency: number, repeat: number) => void): void {
    for (const axis of [0, 1] as const)
      for (let frequency = 0; frequency < this.side; frequency++)
        for (let repeat = 0; repeat < this.repeats; repeat++) body(axis, frequency, repeat);
  }
}

/**
 * @param amplitude of the waves; the tokens themselves are about 1
 * @param sharpness of the decoder's looks: 0 sees all places alike
 * @throws DreamError `value` where the waves of all places do not fit the widths
 */
export function startWithNeighbours(
  model: DreamModel,
  { amplitude, sharpness }: { readonly amplitude: number; readonly sharpness: number },
  random: Generator,
): void {
  const { config, encoder, decoder } = model;
  requireRoom(config);
  const side = Math.sqrt(tokenCount(config));
  noGrad(() => {
    for (const positions of [encoder.positions, decoder.positions, decoder.outputPositions])
      placeWaves(positions, side, amplitude, random);
    const { width, heads } = config.decoder;
    for (const [b, { selfAttention }] of decoder.blocks.entries()) {
      const looks = Array.from({ length: heads }, (_, h) => neighbours[(b * heads + h) % neighbours.length]!);
      const { queries, keys } = lookAt(looks, new WaveLayout(side, width), Math.sqrt(sharpness));
      selfAttention.qkv.weight.narrow(0, 0, width).copy_(tensor(queries, [width, width]));
      selfAttention.qkv.weight.narrow(0, width, width).copy_(tensor(keys, [width, width]));
    }
  });
}

function requireRoom(config: DreamConfig): void {
  const waves = 4 * Math.sqrt(tokenCount(config));
  const { encoder, decoder } = config;
  const fits = [encoder.width, decoder.width].every((width) => width % waves === 0);
  if (fits && decoder.width / decoder.heads >= waves) return;
  throw new DreamError("value", {
    operation: "spatialStart: neighbours",
    expected: `widths that are multiples of ${waves}, four waves for each row of tokens, and decoder heads of at least that width`,
    got: `encoder ${encoder.width}, decoder ${decoder.width}, ${decoder.heads} heads`,
  });
}

/** Image tokens' positions as waves; buffers' as noise of the same size. @param positions [1, U + N, width] */
function placeWaves(positions: Tensor, side: number, amplitude: number, random: Generator): void {
  const [, places, width] = positions.shape as [number, number, number];
  const N = side ** 2;
  const layout = new WaveLayout(side, width);
  const values = new Float32Array(N * width);
  for (let place = 0; place < N; place++) {
    const along = [place % side, Math.floor(place / side)] as const;
    layout.each((axis, frequency, repeat) => {
      const turn = along[axis] * layout.angle(frequency);
      values[place * width + layout.at(axis, 0, frequency, repeat)] = amplitude * Math.sin(turn);
      values[place * width + layout.at(axis, 1, frequency, repeat)] = amplitude * Math.cos(turn);
    });
  }
  positions.narrow(1, places - N, N).copy_(tensor(values, [1, N, width]));
  if (places > N)
    positions.narrow(1, 0, places - N).normal_(0, amplitude * Math.SQRT1_2, { generator: random });
}

/**
 * Projections by which a head's query at a place equals its key at the place's neighbour: the query turns each wave by as much
 * as it turns from here to there.
 */
function lookAt(
  looks: readonly (readonly [columns: number, rows: number])[],
  layout: WaveLayout,
  gain: number,
): { queries: Float32Array; keys: Float32Array } {
  const { width, repeats } = layout;
  const [queries, keys] = [new Float32Array(width * width), new Float32Array(width * width)];
  const headWidth = width / looks.length;
  for (const [head, offset] of looks.entries())
    layout.each((axis, frequency, repeat) => {
      const turn = offset[axis] * layout.angle(frequency);
      const [cos, sin] = [(gain / repeats) * Math.cos(turn), (gain / repeats) * Math.sin(turn)];
      const [ofSine, ofCosine] = [0, 1].map(
        (part) => (head * headWidth + layout.row(axis, part, frequency)) * width,
      ) as [number, number];
      const [sine, cosine] = [layout.at(axis, 0, frequency, repeat), layout.at(axis, 1, frequency, repeat)];
      keys[ofSine + sine] = gain / repeats;
      keys[ofCosine + cosine] = gain / repeats;
      queries[ofSine + sine] = cos;
      queries[ofSine + cosine] = sin;
      queries[ofCosine + cosine] = cos;
      queries[ofCosine + sine] = -sin;
    });
  return { queries, keys };
}
