/** @file The card of a published model: what it is, where it comes from, how to use it. */
import { DreamModel } from "../models/dream/dream.js";
import type { ModelDescription } from "./model-description.js";

/** Markdown with the front matter that model hubs read. */
export function modelCard({ origin, model, codec, captions, drawing, sizePixels }: ModelDescription): string {
  const parameters = new DreamModel(model, "meta")
    .parameters()
    .reduce((sum, [, { shape }]) => sum + shape.reduce((product, size) => product * size, 1), 0);
  const pictures =
    codec.kind === "vae"
      ? `latents of \`${codec.model}\`, times ${codec.scale}`
      : `${codec.components} principal components of each ${codec.patch} x ${codec.patch} patch`;
  const read =
    captions.kind === "t5"
      ? `CLIP's tokens (\`tokenizer/\`) and the states of \`${captions.model}\` (\`tokenizer_2/\`)`
      : "whole words (`words.json`)";
  return `---
library_name: dream
pipeline_tag: text-to-image
tags: [text-to-image, zero-shot-image-classification, masked-generation]
---

# DREAM, ${(parameters / 1e6).toFixed(1)}M parameters, ${sizePixels} px

One model that understands pictures and draws them from text ([arXiv 2603.02667](https://arxiv.org/abs/2603.02667)).

- Encoder ${describe(model.encoder)}; decoder ${describe(model.decoder)}; text tower ${describe(model.textTower)}.
- Pictures: ${sizePixels} x ${sizePixels} pixels, ${pictures}.
- Captions: ${read}.
- Weights: ${origin.weights === "ema" ? "averaged over training" : "as the last step left them"}, after ${origin.steps ?? "an unknown number of"} steps of the recipe \`${origin.recipe}\` (${origin.recipeHash}).
- Drawing: ${drawing.steps} steps, ${drawing.guidance.kind} guidance of ${drawing.guidance.scale}, temperature ${drawing.temperature}; the best of ${drawing.candidates} is chosen when ${(100 * drawing.selectAt).toFixed(1)}% of its tokens are decoded.

\`\`\`sh
npx dream generate --model . --prompt "..."
npx dream embed --model . --images picture.jpg --texts "..."
\`\`\`
`;
}

function describe({
  width,
  depth,
  heads,
}: {
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
}): string {
  return `${width} wide, ${depth} blocks, ${heads} heads`;
}
