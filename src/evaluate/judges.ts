/** @file Frozen models of others as judges of drawings, from their folders: CLIP of pictures and captions, DINOv2 of pictures. */
import type { Picture } from "../formats/images.js";
import { ClipModel } from "../models/frozen/clip.js";
import { DinoModel } from "../models/frozen/dino.js";
import { type PicturePreparation, readPreparation } from "../models/frozen/preprocessing.js";
import type { FrozenOptions } from "../models/frozen/pretrained.js";
import { cat, noGrad, scope, type Tensor, tensor } from "../tensor/index.js";
import { ClipTokenizer } from "../text/clip-tokenizer.js";
import { judgePixels } from "./judge-pixels.js";
import type { PairJudge, PictureJudge } from "./subject.js";

/** Pictures that a judge sees at a time. */
const window = 32;

/**
 * A CLIP model with its tokenizer and its preparation of pictures, as transformers' `CLIPProcessor` has them.
 * @param name for people @param folder as Hugging Face lays it out
 * @throws DreamError `io`, `format` or `state` where the folder does not hold all of these
 */
export function clipJudge(
  name: string,
  folder: string,
  options: FrozenOptions = {},
): PictureJudge & PairJudge {
  const preparation = readPreparation(folder);
  const model = ClipModel.open(folder, options);
  const tokenizer = ClipTokenizer.open(folder, model.contextLength, { kind: "hugging-face" });
  const { device, dtype } = model.textProjection.weight;
  return {
    name,
    features: (pictures) =>
      inWindows(pictures, preparation, (pixels) => model.imageFeatures(pixels.to({ device, dtype }))),
    scores: (pictures, captions) =>
      scope(() => {
        const images = inWindows(pictures, preparation, (pixels) =>
          model.embedImages(pixels.to({ device, dtype })),
        );
        const ids = captions.flatMap((caption) => tokenizer.encode(caption));
        const rows = tensor(ids, [captions.length, model.contextLength], { dtype: "int64", device });
        return images.mul(embedded(model, rows)).sum(1).toNumbers();
      }),
  };
}

/** @param ids [n, L] @returns float32 [n, P] on the CPU */
function embedded(model: ClipModel, ids: Tensor): Tensor {
  return joined(ids.size(0), (first, count) => model.embedTexts(ids.narrow(0, first, count)));
}

/**
 * A DINOv2, which judges by what it says of whole pictures: its class token.
 * @param name for people @param folder as Hugging Face lays it out
 * @throws DreamError `io`, `format` or `state` where the folder does not hold one
 */
export function dinoJudge(name: string, folder: string, options: FrozenOptions = {}): PictureJudge {
  const preparation = readPreparation(folder);
  const model = DinoModel.open(folder, options);
  const { device, dtype } = model.classToken;
  return {
    name,
    features: (pictures) =>
      inWindows(pictures, preparation, (pixels) => model.forward(pixels.to({ device, dtype })).classToken),
  };
}

/** @returns float32 [n, D] on the CPU */
function inWindows(
  pictures: readonly Picture[],
  preparation: PicturePreparation,
  of: (pixels: Tensor) => Tensor,
): Tensor {
  return joined(pictures.length, (first, count) =>
    of(judgePixels(pictures.slice(first, first + count), preparation)),
  );
}

/** Rows of windows, one after another. @returns float32 [n, D] on the CPU */
function joined(count: number, of: (first: number, count: number) => Tensor): Tensor {
  return noGrad(() =>
    scope(() => {
      const parts: Tensor[] = [];
      for (let first = 0; first === 0 || first < count; first += window)
        parts.push(
          scope(() => of(first, Math.min(window, count - first)).to({ device: "cpu", dtype: "float32" })),
        );
      return cat(parts, 0);
    }),
  );
}
