/** @file What the trained model understands: pictures named while tokens are hidden, and pictures found by a sentence. */

import type { Sample } from "../data/sample.js";
import { combinations, oneObjectScene, plainCaption } from "../data/scenes/one-object.js";
import { sceneRandom } from "../data/scenes/random.js";
import { renderScene } from "../data/scenes/render.js";
import { embedCaptions, embedPictures } from "../embedding.js";
import { type ZeroShotPoint, zeroShotCurve } from "../evaluate/zero-shot.js";
import { pictureSide } from "../features/picture-codec.js";
import { pixelsOf } from "../features/pixels.js";
import type { TrainedModel } from "../recipe/model-folder.js";
import type { SearchStory } from "../report/demo-story.js";
import { noGrad, scope } from "../tensor/index.js";

/** Shares of the tokens that are hidden. */
const shares = [0, 0.25, 0.5, 0.75, 0.875];
/** Pictures rendered for naming have a stream that no data set has. */
const stream = 0x5eed;

/** Pictures of all 540 combinations, each named among the 540 sentences. */
export function nameWhileHidden(
  trained: TrainedModel,
  picturesPerClass: number,
): { readonly curve: ZeroShotPoint[]; readonly pictures: number } {
  const { model, codec, captions } = trained;
  const side = pictureSide(trained);
  const classes = Array.from(
    { length: combinations.length * picturesPerClass },
    (_, i) => i % combinations.length,
  );
  const pictures = classes.map(
    (number, i) => renderScene(oneObjectScene(combinations[number]!, sceneRandom(stream, i)), side).picture,
  );
  const curve = noGrad(() =>
    scope(() => {
      const latents = codec.latents(codec.encode(pixelsOf(pictures)), null);
      const classIds = captions.ids(combinations.map(plainCaption));
      return zeroShotCurve(model, { latents, classes, classIds }, shares, 1);
    }),
  );
  return { curve, pictures: classes.length };
}

/** The nearest of some pictures to each sentence. */
export function searchPictures(
  trained: TrainedModel,
  samples: readonly Sample[],
  sentences: readonly string[],
  most: number,
): SearchStory[] {
  const pictures = samples.map(({ picture }) => picture);
  const embeddings = embedPictures(trained, pictures);
  return embedCaptions(trained, sentences).map((sentence, i) => ({
    sentence: sentences[i]!,
    found: embeddings
      .map((embedding, j) => ({
        picture: pictures[j]!,
        cosine: embedding.reduce((sum, value, k) => sum + value * sentence[k]!, 0),
      }))
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, most),
  }));
}
