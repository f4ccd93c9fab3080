/** @file A few choices of SAD taken apart: the starts, their scores, the finished picture, and what plain decoding gave. */
import { drawPictures } from "../drawing.js";
import type { Picture } from "../formats/images.js";
import { tokenCount } from "../models/dream/config.js";
import type { TrainedModel } from "../recipe/model-folder.js";
import type { ChoiceStory } from "../report/demo-story.js";
import type { Prompt } from "./prompts.js";

export function choiceStories(trained: TrainedModel, prompts: readonly Prompt[]): ChoiceStory[] {
  const { candidates, selectAt } = trained.drawing;
  const captions = prompts.map(({ caption }) => caption);
  const seeds = prompts.map(({ seed }) => seed);
  const N = tokenCount(trained.model.config);
  let halfDrawn: readonly (readonly Picture[])[] = [];
  let decodedShare = 0;
  const aligned = drawPictures(trained, captions, {
    choice: { kind: "aligned", candidates, atFraction: selectAt },
    seeds,
    onChoice: (pictures, step) => {
      halfDrawn = pictures;
      decodedShare = (N - step.nextMaskLength) / N;
    },
  });
  const plain = drawPictures(trained, captions, { choice: { kind: "plain" }, seeds });
  return aligned.map(({ picture, candidateScores, chosen }, i) => ({
    caption: captions[i]!,
    halfDrawn: halfDrawn[i]!,
    scores: candidateScores,
    chosen,
    decodedShare,
    finished: picture,
    plain: plain[i]!.picture,
  }));
}
