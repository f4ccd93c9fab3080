/** @file Where the commands put what they draw: PNGs that carry their settings. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Drawing } from "../drawing.js";
import { writeAtomically } from "../formats/atomic.js";
import { type DrawnFrom, encodeRecorded } from "../picture-record.js";
import { say, tell } from "./output.js";

/** The longest part of a file's name that comes from the sentence. */
const longestName = 60;

/** The sentence's words and the seed; of a long sentence the first words and a hash, so that no two share a file. */
function fileName(prompt: string, seed: number): string {
  const words = (prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ["untitled"]).join("-");
  const hash = createHash("sha256").update(words).digest("hex").slice(0, 8);
  const name = words.length <= longestName ? words : `${words.slice(0, longestName)}-${hash}`;
  return `${name}-${String(seed).padStart(4, "0")}.png`;
}

/** Writes a picture, and tells of it: a line for people, or one of JSON. */
export async function keepPicture(
  folder: string,
  drawing: Drawing,
  from: DrawnFrom,
  seconds: number,
  json: boolean,
): Promise<void> {
  const { prompt, seed } = from;
  const { candidateScores, chosen } = drawing;
  const file = join(folder, fileName(prompt, seed));
  const png = await encodeRecorded(drawing, from);
  await writeAtomically(file, (handle) => handle.writeFile(png));
  const score = candidateScores[chosen];
  if (json) tell({ file, seed, prompt, score: score ?? null, candidateScores, seconds });
  else say(score === undefined ? file : `${file}  score ${score.toFixed(3)}`);
}
