/**
 * @file Patch tokens of a frozen encoder, computed once: the last block's output without the trained norm, each token normalised without scale
 * or shift (SPEC section 12). All of them stay in memory, so what they take is told before the first is computed.
 */
import { freemem } from "node:os";
import { centreCrop } from "../data/centre-crop.js";
import type { DensePictures } from "../data/dense/dense-split.js";
import { DreamError } from "../errors.js";
import { pictureSide } from "../features/picture-codec.js";
import { pixelsOf } from "../features/pixels.js";
import { type DreamConfig, tokenCount } from "../models/dream/config.js";
import { patchify } from "../models/dream/tokens.js";
import { plainLayerNorm } from "../nn/index.js";
import { empty, noGrad, scope, type Tensor } from "../tensor/index.js";
import { atRest } from "./at-rest.js";
import type { Encoding } from "./shared-features.js";

/** Pictures that are encoded at a time. */
const window = 64;

/** Memory that tokens of so many pictures take, in bytes. */
export function tokenBytes(config: DreamConfig, pictures: number): number {
  return pictures * tokenCount(config) * config.encoder.width * Float32Array.BYTES_PER_ELEMENT;
}

/** @param free bytes that there are @throws DreamError `value` where tokens of so many pictures do not fit */
export function requireRoom(config: DreamConfig, pictures: number, free: number = freemem()): void {
  const needed = tokenBytes(config, pictures);
  if (needed <= free) return;
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  throw new DreamError("value", {
    operation: "encode pictures for dense measures",
    expected: `${gib(needed)} of free memory for the tokens of ${pictures} pictures`,
    got: gib(free),
    hint: `take fewer pictures: at most ${Math.floor(free / tokenBytes(config, 1))} fit`,
  });
}

/** @returns float32 [n, N, D] on the CPU; the caller's */
export async function frozenTokens(
  encoding: Encoding,
  pictures: DensePictures,
  onProgress: (done: number) => void,
): Promise<Tensor> {
  const { config } = encoding.model;
  const side = pictureSide(encoding);
  const tokens = empty([pictures.count, tokenCount(config), config.encoder.width]).persist();
  for (let first = 0; first < pictures.count; first += window) {
    const count = Math.min(window, pictures.count - first);
    const read = await Promise.all(Array.from({ length: count }, (_, i) => pictures.read(first + i)));
    const squares = read.map((picture) =>
      picture.width === side && picture.height === side ? picture : centreCrop(picture, side),
    );
    noGrad(() => scope(() => tokens.narrow(0, first, count).copy_(encode(encoding, pixelsOf(squares)))));
    onProgress(first + count);
  }
  return tokens;
}

/** @param pixels [B, 3, H, W] @returns [B, N, D] */
function encode({ model, codec }: Encoding, pixels: Tensor): Tensor {
  return atRest(model, () => {
    const { config, device } = model;
    const latents = codec.latents(codec.encode(pixels), null).to({ device });
    const states = model.encoder.features(patchify(latents, config.latent.patch));
    return plainLayerNorm(states.narrow(1, config.bufferTokens, tokenCount(config)), 1e-6);
  });
}
