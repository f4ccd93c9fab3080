/**
 * @file Held-out captions drawn and judged: plainly, and with SAD for several numbers of candidates and moments of choice. Every
 * candidate is drawn to its end once, and what each choice would have finished is read off.
 */
import { join } from "node:path";
import type { DrawingPipeline } from "../drawing.js";
import { allCorrect, attributes, fidelityOf, judge, type Verdict } from "../evaluate/fidelity.js";
import { pairedDifference } from "../evaluate/intervals.js";
import { writeAtomically } from "../formats/atomic.js";
import { encodePng, type Picture } from "../formats/images.js";
import type { FidelityTable } from "../report/demo-story.js";
import type { DemoPlan } from "./plan.js";
import type { Prompt } from "./prompts.js";

/** Canvases that are drawn at a time. */
const window = 120;

/** A prompt with all its candidates, judged. */
interface JudgedPrompt {
  readonly prompt: Prompt;
  readonly pictures: readonly Picture[];
  readonly verdicts: readonly Verdict[];
  /** For each fraction, a cosine for each candidate. */
  readonly scores: readonly (readonly number[])[];
}

/**
 * @param folder the drawings chosen by the model's own settings are kept here, with `captions.jsonl`; the plain ones in `plain/`
 * @param signal ends the drawing, with its reason, after the pictures under way
 */
export async function fidelityTable(
  pipeline: DrawingPipeline,
  prompts: readonly Prompt[],
  { candidates, fractions }: Pick<DemoPlan, "candidates" | "fractions">,
  folder: string,
  onProgress: (done: number, all: number) => void,
  signal?: AbortSignal,
): Promise<FidelityTable> {
  const K = Math.max(...candidates);
  const judged = await drawAndJudge(pipeline, prompts, K, fractions, (done) => {
    onProgress(done, prompts.length);
    signal?.throwIfAborted();
  });
  const plainVerdicts = judged.map(({ verdicts }) => verdicts[0]!);
  const right = (verdicts: readonly Verdict[]): number[] => verdicts.map((one) => (allCorrect(one) ? 1 : 0));
  const cells = candidates.flatMap((count) =>
    fractions.map((atFraction, f) => {
      const verdicts = judged.map((one) => one.verdicts[chosen(one, count, f)]!);
      const gain = pairedDifference(right(plainVerdicts), right(verdicts));
      return { candidates: count, atFraction, fidelity: fidelityOf(verdicts), gain };
    }),
  );
  const { candidates: usual, selectAt } = pipeline.trained.drawing;
  const own = cells.find((one) => one.candidates === usual && one.atFraction === selectAt);
  if (own === undefined) throw new Error("internal: the model's own settings are not among those compared");
  const usualFraction = fractions.indexOf(selectAt);
  await keepSamples(folder, judged, usual, usualFraction);
  const drawings = judged.map((one) => {
    const candidate = chosen(one, usual, usualFraction);
    const verdict = one.verdicts[candidate]!;
    return {
      caption: one.prompt.caption,
      picture: one.pictures[candidate]!,
      wrong: attributes.filter((attribute) => !verdict[attribute]),
    };
  });
  return { drawings, plain: fidelityOf(plainVerdicts), sad: own.fidelity, sadGain: own.gain, cells };
}

/** Which of the first `count` candidates has the highest score at a fraction. */
function chosen({ scores }: JudgedPrompt, count: number, fraction: number): number {
  const some = scores[fraction]!.slice(0, count);
  return some.indexOf(Math.max(...some));
}

async function drawAndJudge(
  pipeline: DrawingPipeline,
  prompts: readonly Prompt[],
  candidates: number,
  fractions: readonly number[],
  onProgress: (done: number) => void,
): Promise<JudgedPrompt[]> {
  const perBatch = Math.max(1, Math.floor(window / candidates));
  const judged: JudgedPrompt[] = [];
  for (let first = 0; first < prompts.length; first += perBatch) {
    const batch = prompts.slice(first, first + perBatch);
    const seeds = batch.map(({ seed }) => seed);
    const captions = batch.map(({ caption }) => caption);
    for (const [i, finished] of pipeline
      .candidates(captions, {
        seeds,
        candidates,
        fractions,
      })
      .entries()) {
      const prompt = batch[i]!;
      const verdicts = finished.pictures.map((picture) => judge(picture, prompt.truth));
      judged.push({ prompt, ...finished, verdicts });
    }
    // Lets signals in.
    await new Promise((resolve) => setImmediate(resolve));
    onProgress(judged.length);
  }
  return judged;
}

async function keepSamples(
  folder: string,
  judged: readonly JudgedPrompt[],
  candidates: number,
  fraction: number,
): Promise<void> {
  const lines: string[] = [];
  const write = async (path: string, picture: Picture, caption: string): Promise<void> => {
    const png = await encodePng(picture, { Description: caption });
    await writeAtomically(path, (file) => file.writeFile(png));
  };
  for (const one of judged) {
    const { id, caption, truth, seed } = one.prompt;
    const candidate = chosen(one, candidates, fraction);
    const file = `${id}.png`;
    await write(join(folder, file), one.pictures[candidate]!, caption);
    await write(join(folder, "plain", file), one.pictures[0]!, caption);
    const verdict = one.verdicts[candidate]!;
    lines.push(JSON.stringify({ id, file, caption, truth, seed, candidate, correct: verdict }));
  }
  await writeAtomically(join(folder, "captions.jsonl"), (handle) =>
    handle.writeFile(`${lines.join("\n")}\n`),
  );
}
