/**
 * @file Features of a split's pictures, computed once for all measures that read them. What probes read is the last block's output with
 * nothing hidden, pooled and then normalised without scale or shift (SPEC section 12); what retrieval reads are embeddings.
 */

import type { CaptionReader } from "../features/caption-reader.js";
import type { PictureCodec } from "../features/picture-codec.js";
import { pixelsOf } from "../features/pixels.js";
import type { Picture } from "../formats/images.js";
import { type Pool, tokenCount } from "../models/dream/config.js";
import type { DreamModel } from "../models/dream/dream.js";
import { TokenMask } from "../models/dream/mask.js";
import { patchify } from "../models/dream/tokens.js";
import { plainLayerNorm } from "../nn/index.js";
import { cat, type Tensor } from "../tensor/index.js";
import { atRest } from "./at-rest.js";
import type { PictureSplit } from "./splits.js";

/** A model and what turns pictures and words into its inputs. */
export interface Encoding {
  readonly model: DreamModel;
  readonly codec: PictureCodec;
  readonly captions: CaptionReader;
}

/** What is known of a split's pictures, a row each. */
export interface SplitFeatures {
  /** By the tokens that are pooled, [n, D] each; no buffers, no pool of them. */
  readonly pooled: ReadonlyMap<Pool, Tensor>;
  /** Unit length, [n, joint width]. */
  readonly images: Tensor;
  /** Of the captions, unit length, [n, joint width]. */
  readonly texts: Tensor;
  /** Most likely latents, [n, C, H, W]. */
  readonly latents: Tensor;
  readonly labels: readonly (number | null)[];
  readonly captions: readonly string[];
}

/** Pictures that are encoded at a time, at most. */
export const window = 128;

export class SharedFeatures {
  readonly #encoding: Encoding;
  readonly #known = new Map<PictureSplit, Promise<SplitFeatures>>();
  readonly #kept = new Map<object, Promise<Tensor>>();
  readonly #onProgress: (split: string, done: number, all: number) => void;

  constructor(encoding: Encoding, onProgress: (split: string, done: number, all: number) => void = () => {}) {
    this.#encoding = encoding;
    this.#onProgress = onProgress;
  }

  of(split: PictureSplit): Promise<SplitFeatures> {
    let known = this.#known.get(split);
    if (known === undefined) {
      known = this.#compute(split);
      this.#known.set(split, known);
    }
    return known;
  }

  /** What is known for a key: computed when first asked for, and ours to dispose. */
  keep(key: object, compute: (encoding: Encoding) => Promise<Tensor>): Promise<Tensor> {
    let kept = this.#kept.get(key);
    if (kept === undefined) {
      kept = compute(this.#encoding);
      this.#kept.set(key, kept);
    }
    return kept;
  }

  keeps(key: object): boolean {
    return this.#kept.has(key);
  }

  /** Tells whoever watches how far something long is. */
  tell(what: string, done: number, all: number): void {
    this.#onProgress(what, done, all);
  }

  async #compute(split: PictureSplit): Promise<SplitFeatures> {
    const parts: WindowFeatures[] = [];
    const labels: (number | null)[] = [];
    const captions: string[] = [];
    for (let first = 0; first < split.count; first += window) {
      const samples = await split.read(first, Math.min(window, split.count - first));
      const pictures = samples.map(({ picture }) => picture);
      const texts = samples.map(({ caption }) => caption);
      parts.push(windowFeatures(this.#encoding, pictures, texts));
      labels.push(...samples.map(({ label }) => label));
      captions.push(...texts);
      this.#onProgress(`Encoding ${split.name}`, first + samples.length, split.count);
    }
    const joined = (of: (part: WindowFeatures) => Tensor): Tensor => {
      const all = parts.map(of);
      const whole = cat(all, 0);
      for (const one of all) one.dispose();
      return whole;
    };
    const pools = [...parts[0]!.pooled.keys()];
    return {
      pooled: new Map(pools.map((pool) => [pool, joined(({ pooled }) => pooled.get(pool)!)])),
      images: joined(({ images }) => images),
      texts: joined(({ texts }) => texts),
      latents: joined(({ latents }) => latents),
      labels,
      captions,
    };
  }

  async dispose(): Promise<void> {
    for (const known of this.#known.values()) {
      const { pooled, images, texts, latents } = await known;
      for (const one of [...pooled.values(), images, texts, latents]) one.dispose();
    }
    for (const kept of this.#kept.values()) (await kept).dispose();
    this.#known.clear();
    this.#kept.clear();
  }
}

export type WindowFeatures = Pick<SplitFeatures, "pooled" | "images" | "texts" | "latents">;

/** Of at most a {@link window} of pictures and as many captions; the tensors are on the CPU, and the caller's. */
export function windowFeatures(
  { model, codec, captions: reader }: Encoding,
  pictures: readonly Picture[],
  captions: readonly string[],
): WindowFeatures {
  const pixels = pixelsOf(pictures);
  try {
    return atRest(model, () => {
      const { device, config } = model;
      const latents = codec.latents(codec.encode(pixels), null).to({ device });
      const tokens = patchify(latents, config.latent.patch);
      const states = model.encoder.features(tokens);
      const [B, T] = states.shape as [number, number];
      const buffers = config.bufferTokens;
      const pools: [Pool, Tensor][] = [
        ["all", states],
        ["image", states.narrow(1, buffers, T - buffers)],
        ...(buffers > 0 ? [["buffer", states.narrow(1, 0, buffers)] as [Pool, Tensor]] : []),
      ];
      const onCpu = (x: Tensor): Tensor => x.to({ device: "cpu" });
      const images = model.embedImages(tokens, TokenMask.none(B, tokenCount(config)));
      const found = {
        pooled: new Map(pools.map(([pool, some]) => [pool, onCpu(plainLayerNorm(some.mean(1), 1e-6))])),
        images: onCpu(images),
        texts: onCpu(model.embedTexts(reader.ids(captions).to({ device }))),
        latents: onCpu(latents),
      };
      for (const kept of [...found.pooled.values(), found.images, found.texts, found.latents]) kept.persist();
      return found;
    });
  } finally {
    pixels.dispose();
  }
}
