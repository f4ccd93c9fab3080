/** @file A few choices of SAD taken apart: the starts, their scores, the finished picture, and what plain decoding gave. */
import type { DrawingPipeline } from "../drawing.js";
import type { Picture } from "../formats/images.js";
import { tokenCount } from "../models/dream/config.js";
import type { ChoiceStory } from "../report/demo-story.js";
import type { Prompt } from "./prompts.js";

export function choiceStories(pipeline: DrawingPipeline, prompts: readonly Prompt[]): ChoiceStory[] {
  const { model, drawing } = pipeline.trained;
  const { candidates, selectAt } = drawing;
  const captions = prompts.map(({ caption }) => caption);
  const seeds = prompts.map(({ seed }) => seed);
  const N = tokenCount(model.config);
  let halfDrawn: readonly (readonly Picture[])[] = [];
  let decodedShare = 0;
  const aligned = pipeline.draw(captions, {
    choice: { kind: "aligned", candidates, atFraction: selectAt },
    seeds,
    onChoice: ({ step, halfDrawn: whole }) => {
      halfDrawn = whole().map(({ pictures }) => pictures);
      decodedShare = (N - step.nextMaskLength) / N;
    },
  });
  const plain = pipeline.draw(captions, { choice: { kind: "plain" }, seeds });
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
