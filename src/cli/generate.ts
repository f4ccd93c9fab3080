/** @file `dream generate`: pictures from sentences, several candidates begun and the best one finished (SAD). */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Command } from "commander";
import { type Drawing, DrawingPipeline, type Sampling } from "../drawing.js";
import { DreamError } from "../errors.js";
import { writeAtomically } from "../formats/atomic.js";
import { encodePng } from "../formats/images.js";
import { loadModel, type TrainedModel } from "../recipe/model-folder.js";
import { locateModel } from "./locate-model.js";
import { notNegative, positive, properShare, whole } from "./numbers.js";
import { say, tell } from "./output.js";
import { Progress } from "./progress.js";

interface GenerateOptions {
  readonly model: string;
  readonly prompt: readonly string[];
  readonly number: number;
  readonly candidates?: number;
  readonly selectAt?: number;
  readonly cfgScale?: number;
  readonly steps?: number;
  readonly temperature?: number;
  readonly seed: number;
  readonly outputDir: string;
  readonly json?: boolean;
}

/** Canvases that are drawn at a time. */
const window = 40;

export function addGenerate(program: Command): void {
  const collect = (prompt: string, before: readonly string[] = []): string[] => [...before, prompt];
  program
    .command("generate")
    .description(
      "draw pictures from sentences with a trained model, and write them as PNGs with their settings inside",
    )
    .requiredOption("--model <run>", "a run's folder, such as runs/demo")
    .requiredOption("--prompt <sentence>", "what to draw; may be given several times", collect)
    .option("-n, --number <count>", "pictures of each sentence", whole(1), 1)
    .option(
      "--candidates <K>",
      "drawings begun for each picture; 1 draws plainly (default: the model's)",
      whole(1),
    )
    .option(
      "--select-at <share>",
      "share of the tokens decoded when the best is chosen (default: the model's)",
      properShare,
    )
    .option("--cfg-scale <scale>", "strength of guidance; 1 is none (default: the model's)", notNegative)
    .option("--steps <count>", "decoding steps (default: the model's)", whole(2))
    .option(
      "--temperature <factor>",
      "scale of the noise in each diffusion step (default: the model's)",
      positive,
    )
    .option("--seed <number>", "of the first picture; the next ones count up", whole(0), 0)
    .option("--output-dir <folder>", "where the pictures go", "out")
    .option("--json", "print one line of JSON for each picture")
    .addHelpText(
      "after",
      '\nExample:\n  $ dream generate --model runs/demo --prompt "a large red circle in the centre on a striped background" -n 4 --candidates 5 --seed 7',
    )
    .action(generate);
}

async function generate(options: GenerateOptions): Promise<void> {
  const trained = await loadModel(options.model, locateModel);
  for (const prompt of options.prompt) checkPrompt(trained, prompt);
  const { drawing } = trained;
  const candidates = options.candidates ?? drawing.candidates;
  const atFraction = options.selectAt ?? drawing.selectAt;
  const sampling: Sampling = {
    steps: options.steps ?? drawing.steps,
    guidance: { ...drawing.guidance, scale: options.cfgScale ?? drawing.guidance.scale },
    temperature: options.temperature ?? drawing.temperature,
  };
  const wanted = options.prompt.flatMap((prompt) =>
    Array.from({ length: options.number }, (_, i) => ({ prompt, seed: options.seed + i })),
  );
  const pipeline = new DrawingPipeline(trained);
  const progress = new Progress("Drawing");
  const perBatch = Math.max(1, Math.floor(window / candidates));
  for (let first = 0; first < wanted.length; first += perBatch) {
    const batch = wanted.slice(first, first + perBatch);
    const started = performance.now();
    const drawings = pipeline.draw(
      batch.map(({ prompt }) => prompt),
      {
        choice: { kind: "aligned", candidates, atFraction },
        seeds: batch.map(({ seed }) => seed),
        sampling,
        onStep: (step) =>
          progress.update(first + (batch.length * (step.index + 1)) / sampling.steps, wanted.length),
      },
    );
    const seconds = (performance.now() - started) / 1000 / batch.length;
    for (const [i, drawn] of drawings.entries()) {
      const { prompt, seed } = batch[i]!;
      const file = join(options.outputDir, fileName(prompt, seed));
      const score = drawn.candidateScores[drawn.chosen]!;
      await writePicture(file, drawn, { prompt, seed, candidates, selectAt: atFraction, ...sampling });
      if (options.json) tell({ file, seed, prompt, score, candidateScores: drawn.candidateScores, seconds });
      else say(`${file}  score ${score.toFixed(3)}`);
    }
  }
}

/** @throws DreamError `usage` where the model cannot read the prompt whole */
function checkPrompt({ captions }: TrainedModel, prompt: string): void {
  const { found, most, unit } = captions.length(prompt);
  if (found > most)
    throw new DreamError("usage", {
      operation: "read --prompt",
      expected: `at most ${most} ${unit}, which is what this model reads`,
      got: `${found} ${unit} (${prompt.length} characters)`,
      hint: "shorten the sentence",
    });
  const unknown = captions.unknownWords(prompt);
  if (unknown.length > 0)
    say(`This model never read ${unknown.map((word) => `"${word}"`).join(", ")}. ${captions.description}.`);
}

/** The longest part of a file's name that comes from the sentence. */
const longestName = 60;

/** The sentence's words and the seed; of a long sentence the first words and a hash, so that no two share a file. */
function fileName(prompt: string, seed: number): string {
  const words = (prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ["untitled"]).join("-");
  const hash = createHash("sha256").update(words).digest("hex").slice(0, 8);
  const name = words.length <= longestName ? words : `${words.slice(0, longestName)}-${hash}`;
  return `${name}-${String(seed).padStart(4, "0")}.png`;
}

async function writePicture(
  path: string,
  { picture, candidateScores, chosen }: Drawing,
  settings: Readonly<Record<string, unknown>> & { readonly prompt: string },
): Promise<void> {
  const png = await encodePng(picture, {
    Description: settings.prompt,
    Software: "dream",
    dream: JSON.stringify({ ...settings, candidateScores, chosen }),
  });
  await writeAtomically(path, (file) => file.writeFile(png));
}
