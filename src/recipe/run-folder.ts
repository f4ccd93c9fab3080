/**
 * @file What a run leaves behind for drawing and embedding: `config.json` (model, words, how to draw), `model.safetensors` (averaged
 * weights under the release's names) and `codec.safetensors`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DreamError } from "../errors.js";
import { PatchCodec } from "../features/patch-codec.js";
import { writeAtomically } from "../formats/atomic.js";
import { Dream } from "../models/dream/dream.js";
import { pytorchName, pytorchState } from "../models/dream/pytorch-names.js";
import { loadState, stateFile, writeState } from "../nn/index.js";
import { noGrad } from "../tensor/index.js";
import { WordTokenizer } from "../text/words.js";
import type { Trainer } from "../train/trainer.js";
import { modelSchema } from "./model-schema.js";
import { type Recipe, recipeSchema } from "./recipe.js";

/** A trained model with what turns words and pictures into its inputs and back. */
export interface TrainedModel {
  readonly model: Dream;
  readonly tokenizer: WordTokenizer;
  readonly codec: PatchCodec;
  readonly drawing: Recipe["drawing"];
}

const configSchema = z.strictObject({
  recipe: z.string(),
  recipeHash: z.string(),
  model: modelSchema,
  words: z.array(z.string()),
  drawing: recipeSchema.shape.drawing,
});

/** A model of the averages as they stand, apart from the one in training. */
export function averagedModel(
  trainer: Trainer,
  { codec, tokenizer }: Pick<TrainedModel, "codec" | "tokenizer">,
  { drawing }: Recipe,
): TrainedModel {
  const averages = new Map(trainer.average.state());
  const model = new Dream(trainer.model.config);
  const live = new Map(trainer.model.namedTensors());
  noGrad(() => {
    for (const [path, tensor] of model.namedTensors()) tensor.copy_(averages.get(path) ?? live.get(path)!);
  });
  model.setMode("eval");
  return { model, codec, tokenizer, drawing };
}

/** Writes a run's model. @param trainer whose averages and buffers are saved */
export async function saveRunModel(
  folder: string,
  trainer: Trainer,
  { codec, tokenizer }: Pick<TrainedModel, "codec" | "tokenizer">,
  recipe: Recipe,
  recipeHash: string,
): Promise<void> {
  const averages = new Map(trainer.average.state());
  const state = [...trainer.model.namedTensors()].map(
    ([path, tensor]) => [pytorchName(path), averages.get(path) ?? tensor] as const,
  );
  await writeState(join(folder, "model.safetensors"), state);
  await codec.save(join(folder, "codec.safetensors"));
  const config = {
    recipe: recipe.name,
    recipeHash,
    model: trainer.model.config,
    words: [...tokenizer.words],
    drawing: recipe.drawing,
  } satisfies z.input<typeof configSchema>;
  await writeAtomically(join(folder, "config.json"), (file) =>
    file.writeFile(`${JSON.stringify(config, null, 2)}\n`),
  );
}

/** @throws DreamError naming the file that is missing or damaged */
export function loadRunModel(folder: string): TrainedModel {
  const path = join(folder, "config.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    const hint = "name a run's folder; `npm run demo` leaves one in runs/demo";
    throw new DreamError("io", { operation: `read ${path}`, expected: "a run's config", got, hint, cause });
  }
  const parsed = configSchema.safeParse(JSON.parse(text));
  if (!parsed.success)
    throw new DreamError("format", { operation: `read ${path}`, message: z.prettifyError(parsed.error) });
  const { model: config, words, drawing } = parsed.data;
  const model = new Dream(config);
  loadState(pytorchState(model), stateFile(join(folder, "model.safetensors")));
  model.setMode("eval");
  return {
    model,
    tokenizer: new WordTokenizer(words, config.textTower.contextLength),
    codec: PatchCodec.load(join(folder, "codec.safetensors")),
    drawing,
  };
}
