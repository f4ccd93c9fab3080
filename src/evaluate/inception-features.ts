/**
 * @file What the Inception network says of drawings and of the pictures that they are held against. Several measures read it and it is slow, so
 * it is computed once for each set of pictures, and kept as long as that set is.
 */

import type { Sample } from "../data/sample.js";
import { bytesOf } from "../features/pixels.js";
import type { Picture } from "../formats/images.js";
import type { Inception, InceptionFeatures } from "../models/frozen/inception.js";
import { cat, noGrad, scope, type Tensor } from "../tensor/index.js";
import { samplesOf } from "./drawn-samples.js";
import type { PictureSplit } from "./splits.js";
import type { DrawnSample } from "./subject.js";

/** Pictures that the network sees at a time. */
const window = 32;

/** @param pictures at least one, all of one size @returns float32 on the CPU, a row each */
export function inceptionFeatures(inception: Inception, pictures: readonly Picture[]): InceptionFeatures {
  return noGrad(() =>
    scope(() => {
      const parts: InceptionFeatures[] = [];
      for (let first = 0; first === 0 || first < pictures.length; first += window)
        parts.push(
          scope(() => {
            const { device } = inception.classes.weight;
            const bytes = bytesOf(pictures.slice(first, first + window)).to({ device });
            const { pool, logits } = inception.forward(bytes);
            return { pool: onCpu(pool), logits: onCpu(logits) };
          }),
        );
      const joined = (of: keyof InceptionFeatures): Tensor =>
        cat(
          parts.map((part) => part[of]),
          0,
        );
      return { pool: joined("pool"), logits: joined("logits") };
    }),
  );
}

const onCpu = (x: Tensor): Tensor => x.to({ device: "cpu", dtype: "float32" });

/** By network and set of drawings. */
const ofDrawings = new WeakMap<Inception, WeakMap<readonly DrawnSample[], InceptionFeatures>>();

/** Of drawings, computed once: the tensors are not the caller's to dispose. */
export function drawnFeatures(inception: Inception, drawn: readonly DrawnSample[]): InceptionFeatures {
  const ofNetwork = ofDrawings.get(inception) ?? new WeakMap<readonly DrawnSample[], InceptionFeatures>();
  ofDrawings.set(inception, ofNetwork);
  const known = ofNetwork.get(drawn);
  if (known !== undefined) return known;
  const pictures = drawn.map(({ picture }) => picture);
  const features = inceptionFeatures(inception, pictures);
  for (const kept of Object.values(features)) kept.persist();
  ofNetwork.set(drawn, features);
  return features;
}

interface RealFeatures {
  /** Which samples these are of. */
  readonly first: number;
  readonly pool: Tensor;
}

/** By network and split, of the samples that were last asked for. */
const ofSplits = new WeakMap<Inception, WeakMap<PictureSplit, RealFeatures>>();

/**
 * `pool` of the pictures of the samples that drawings were made for, computed once: not the caller's to dispose.
 * @returns [n, D] @throws DreamError `value` where drawings are of no samples of the split
 */
export async function realFeatures(
  inception: Inception,
  split: PictureSplit,
  drawn: readonly DrawnSample[],
): Promise<Tensor> {
  const ofNetwork = ofSplits.get(inception) ?? new WeakMap<PictureSplit, RealFeatures>();
  ofSplits.set(inception, ofNetwork);
  const known = ofNetwork.get(split);
  const first = drawn[0]?.number ?? 0;
  if (known?.first === first && known.pool.size(0) === drawn.length) return known.pool;
  const pool = cat(
    await poolsOf(inception, drawn.length, async (at, count) =>
      samplesOf(split, drawn.slice(at, at + count)),
    ),
    0,
  ).persist();
  ofNetwork.set(split, { first, pool });
  return pool;
}

/** `pool` of every picture of a split, [n, D]: what statistics are kept of. */
export async function splitFeatures(inception: Inception, split: PictureSplit): Promise<Tensor> {
  return cat(await poolsOf(inception, split.count, (at, count) => split.read(at, count)), 0);
}

/** In windows. */
async function poolsOf(
  inception: Inception,
  count: number,
  read: (first: number, count: number) => Promise<readonly Sample[]>,
): Promise<Tensor[]> {
  const parts: Tensor[] = [];
  for (let at = 0; at === 0 || at < count; at += window) {
    const samples = await read(at, Math.min(window, count - at));
    const { pool, logits } = inceptionFeatures(
      inception,
      samples.map(({ picture }) => picture),
    );
    logits.dispose();
    parts.push(pool);
  }
  return parts;
}
