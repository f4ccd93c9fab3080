/** @file Pictures and sentences as vectors of one space, with a trained model. */

import { atRest } from "./evaluate/at-rest.js";
import { pixelsOf } from "./features/pixels.js";
import type { Picture } from "./formats/images.js";
import { tokenCount } from "./models/dream/config.js";
import { TokenMask } from "./models/dream/mask.js";
import { patchify } from "./models/dream/tokens.js";
import type { TrainedModel } from "./recipe/model-folder.js";

/** Unit-length embeddings, a row each. */
export type Embeddings = readonly (readonly number[])[];

/** Pictures of the model's size, nothing masked. */
export function embedPictures({ model, codec }: TrainedModel, pictures: readonly Picture[]): Embeddings {
  return atRest(model, () => {
    const latents = codec.latents(codec.encode(pixelsOf(pictures)), null);
    const tokens = patchify(latents, model.config.latent.patch).to({ device: model.device });
    const mask = TokenMask.none(pictures.length, tokenCount(model.config));
    return rowsOf(model.embedImages(tokens, mask).toNumbers(), model.config.joint.width);
  });
}

/** Captions; longer ones than the model reads are cut. */
export function embedCaptions(
  { model, captions: reader }: TrainedModel,
  captions: readonly string[],
): Embeddings {
  return atRest(model, () =>
    rowsOf(
      model.embedTexts(reader.ids(captions).to({ device: model.device })).toNumbers(),
      model.config.joint.width,
    ),
  );
}

function rowsOf(flat: readonly number[], width: number): number[][] {
  return Array.from({ length: flat.length / width }, (_, i) => flat.slice(i * width, (i + 1) * width));
}
