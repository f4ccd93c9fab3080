/** @file A model of ours, trained on its own, as the judge of another one's drawings. */
import type { Picture } from "../formats/images.js";
import { cat, scope, type Tensor } from "../tensor/index.js";
import { type Encoding, type WindowFeatures, window, windowFeatures } from "./shared-features.js";
import type { PairJudge, PictureJudge } from "./subject.js";

/** Distances are measured in its pooled features. */
export function ownPictureJudge(name: string, encoding: Encoding): PictureJudge {
  return {
    name,
    features: (pictures) =>
      inWindows(
        encoding,
        pictures,
        pictures.map(() => ""),
        ({ pooled }) => pooled.get("all")!,
      ),
  };
}

/** Cosines of its embeddings. */
export function ownPairJudge(name: string, encoding: Encoding): PairJudge {
  return {
    name,
    scores: (pictures, captions) =>
      scope(() =>
        inWindows(encoding, pictures, captions, ({ images, texts }) => images.mul(texts).sum(1)).toNumbers(),
      ),
  };
}

function inWindows(
  encoding: Encoding,
  pictures: readonly Picture[],
  captions: readonly string[],
  of: (features: WindowFeatures) => Tensor,
): Tensor {
  return scope(() => {
    const parts: Tensor[] = [];
    for (let first = 0; first < pictures.length; first += window) {
      const end = first + window;
      const features = windowFeatures(encoding, pictures.slice(first, end), captions.slice(first, end));
      parts.push(of(features).clone());
      const { pooled, images, texts, latents } = features;
      for (const one of [...pooled.values(), images, texts, latents]) one.dispose();
    }
    return cat(parts, 0);
  });
}
