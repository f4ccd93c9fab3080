/** @file Pictures and sentences as vectors of one space, with a trained model. */

import { atRest } from "./evaluate/at-rest.js";
import { wordIds } from "./features/feature-table.js";
import { pixelsOf } from "./features/patch-codec.js";
import type { Picture } from "./formats/images.js";
import { tokenCount } from "./models/dream/config.js";
import { TokenMask } from "./models/dream/mask.js";
import { patchify } from "./models/dream/tokens.js";
import type { TrainedModel } from "./recipe/run-folder.js";

/** Unit-length embeddings, a row each. */
export type Embeddings = readonly (readonly number[])[];

/** Pictures of the model's size, nothing masked. */
export function embedPictures({ model, codec }: TrainedModel, pictures: readonly Picture[]): Embeddings {
  return atRest(model, () => {
    const tokens = patchify(codec.encode(pixelsOf(pictures)), model.config.latent.patch);
    const mask = TokenMask.none(pictures.length, tokenCount(model.config));
    return rowsOf(model.embedImages(tokens, mask).toNumbers(), model.config.joint.width);
  });
}

/** Captions; longer ones than the model reads are cut. */
export function embedCaptions({ model, tokenizer }: TrainedModel, captions: readonly string[]): Embeddings {
  return atRest(model, () =>
    rowsOf(model.embedTexts(wordIds(tokenizer, captions)).toNumbers(), model.config.joint.width),
  );
}

/** Side of the pictures that the model was trained on, in pixels. */
export function pictureSide({ model, codec }: TrainedModel): number {
  return model.config.latent.side * codec.patch;
}

function rowsOf(flat: readonly number[], width: number): number[][] {
  return Array.from({ length: flat.length / width }, (_, i) => flat.slice(i * width, (i + 1) * width));
}
