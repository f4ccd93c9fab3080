/** @file Training runs below a folder, as they are watched: live or past, read from what they leave on disk, a part at a time. */
import { existsSync, statSync } from "node:fs";
import { type FileHandle, open, readdir, readFile } from "node:fs/promises";
import { join, normalize, relative } from "node:path";
import { DreamError } from "./errors.js";
import type { Recipe } from "./recipe/recipe.js";
import { recipeOfRun } from "./recipe/saved-run.js";
import { samplesFolder } from "./samples.js";
import type { JournalEntry } from "./train/journal.js";

/** What a run is, at a glance. */
export interface RunSummary {
  /** Its folder, below the one that is watched. */
  readonly name: string;
  /** Null where none is saved. */
  readonly recipe: string | null;
  /** Steps that it has taken. */
  readonly steps: number;
  /** Of all its epochs, 0..1; null where no recipe says how many there are. */
  readonly share: number | null;
  /** Whether its journal grew lately. */
  readonly live: boolean;
  /** Steps after which a grid of samples was drawn. */
  readonly samples: readonly number[];
}

/** What of each step is shown. */
const curveNames = [
  "generativeLoss",
  "contrastiveLoss",
  "maskRatio",
  "learningRate",
  "gradientNorm",
  "imagesPerSecond",
] as const satisfies readonly (keyof JournalEntry)[];

/** Curves over training: at each point the mean of the steps from one to the next. */
export interface RunCurves {
  readonly name: string;
  readonly step: number[];
  readonly curves: Record<(typeof curveNames)[number], (number | null)[]>;
}

/** A journal that did not grow for so long is of a run that has ended, or stands. */
const liveMs = 60_000;

/** Runs lie so deep below the folder, at most. */
const deepest = 3;

/** Journals are read in parts of so many bytes, so that whoever reads them can do other things between. */
const partBytes = 1 << 18;

const journalFile = "metrics.jsonl";

/** Runs below a folder. */
export class WatchedRuns {
  readonly #folder: string;
  readonly #journals = new Map<string, GrowingJournal>();
  readonly #recipes = new Map<string, Recipe>();

  /** @throws DreamError `io` where there is no such folder */
  constructor(folder: string) {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
      throw new DreamError("io", {
        operation: `watch ${folder}`,
        expected: "a folder of runs",
        got: "none",
        hint: "check the path",
      });
    this.#folder = folder;
  }

  /** All of them that can be read, by name. */
  async list(): Promise<RunSummary[]> {
    const names = (await this.#namesBelow(this.#folder, deepest)).sort();
    for (const name of this.#journals.keys()) if (!names.includes(name)) this.#journals.delete(name);
    const summaries: RunSummary[] = [];
    for (const name of names) {
      const journal = await this.#journal(name);
      if (journal === null) continue;
      const { size, lastEpoch } = journal;
      const recipe = this.#recipe(name);
      summaries.push({
        name,
        recipe: recipe?.name ?? null,
        steps: size,
        share: recipe === null || lastEpoch === null ? null : Math.min(1, lastEpoch / recipe.epochs),
        live: Date.now() - journal.changedMs < liveMs,
        samples: await this.#samples(name),
      });
    }
    return summaries;
  }

  /** @param points at most @returns null where there is no such run */
  async curves(name: string, points: number): Promise<RunCurves | null> {
    return this.#isRun(name) ? ((await this.#journal(name))?.curves(name, points) ?? null) : null;
  }

  /** The grid that was drawn after so many steps, a PNG; null where there is none. */
  async sample(name: string, steps: number): Promise<Uint8Array | null> {
    if (!this.#isRun(name)) return null;
    const file = `step-${String(steps).padStart(8, "0")}.png`;
    return readFile(join(samplesFolder(join(this.#folder, name)), file)).catch(() => null);
  }

  /** Nothing outside the folder is read, whatever a name says. */
  #isRun(name: string): boolean {
    const isBelow = normalize(name) === name && !/^(\.\.|\/)/.test(name) && !name.includes("\0");
    return isBelow && existsSync(join(this.#folder, name, journalFile));
  }

  async #namesBelow(folder: string, depth: number): Promise<string[]> {
    if (existsSync(join(folder, journalFile))) return [relative(this.#folder, folder) || "."];
    if (depth === 0) return [];
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const below = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
    const found = await Promise.all(below.map(({ name }) => this.#namesBelow(join(folder, name), depth - 1)));
    return found.flat();
  }

  /** Null where it cannot be read. */
  async #journal(name: string): Promise<GrowingJournal | null> {
    let journal = this.#journals.get(name);
    if (journal === undefined) {
      journal = new GrowingJournal(join(this.#folder, name, journalFile));
      this.#journals.set(name, journal);
    }
    return journal.read().then(
      () => journal,
      () => null,
    );
  }

  /** Null where there is none, or one of another version. */
  #recipe(name: string): Recipe | null {
    const known = this.#recipes.get(name);
    if (known !== undefined) return known;
    try {
      const recipe = recipeOfRun(join(this.#folder, name));
      this.#recipes.set(name, recipe);
      return recipe;
    } catch {
      return null;
    }
  }

  async #samples(name: string): Promise<number[]> {
    const files = await readdir(samplesFolder(join(this.#folder, name))).catch(() => []);
    return files
      .flatMap((file) => /^step-(\d{8})\.png$/.exec(file)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }
}

/** Numbers of a row: the step, and its curves. */
const rowLength = 1 + curveNames.length;

/** A journal of which only what is new is read. */
class GrowingJournal {
  readonly #path: string;
  /** Rows one after another; what a step does not say is NaN. */
  #rows = new Float64Array(1024 * rowLength);
  #file = 0;
  #bytes = 0;
  #rest = "";
  #reading: Promise<void> | null = null;
  /** Steps so far. */
  size = 0;
  lastEpoch: number | null = null;
  changedMs = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads on; one that was replaced (its run was resumed) from the beginning. */
  async read(): Promise<void> {
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async #readOn(): Promise<void> {
    const file = await open(this.#path);
    try {
      const { size, mtimeMs, ino } = await file.stat();
      if (ino !== this.#file || size < this.#bytes) {
        [this.#file, this.#bytes, this.#rest] = [ino, 0, ""];
        [this.size, this.lastEpoch] = [0, null];
      }
      this.changedMs = mtimeMs;
      while (this.#bytes < size && (await this.#readPart(file, Math.min(partBytes, size - this.#bytes)))) {}
    } finally {
      await file.close();
    }
  }

  /** @returns whether there was anything */
  async #readPart(file: FileHandle, most: number): Promise<boolean> {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(most), 0, most, this.#bytes);
    this.#bytes += bytesRead;
    const lines = (this.#rest + buffer.toString("latin1", 0, bytesRead)).split("\n");
    // A line that is still being written.
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#take(line);
    return bytesRead > 0;
  }

  #take(line: string): void {
    let entry: JournalEntry;
    try {
      entry = JSON.parse(line) as JournalEntry;
    } catch {
      // A line that a crash cut short; the next one is whole.
      return;
    }
    const at = this.size * rowLength;
    if (at === this.#rows.length) {
      const longer = new Float64Array(2 * at);
      longer.set(this.#rows);
      this.#rows = longer;
    }
    this.#rows[at] = entry.step;
    for (const [i, name] of curveNames.entries()) this.#rows[at + 1 + i] = entry[name] ?? Number.NaN;
    this.size++;
    this.lastEpoch = entry.epoch;
  }

  curves(name: string, points: number): RunCurves {
    const each = Math.max(1, Math.ceil(this.size / points));
    const count = Math.ceil(this.size / each);
    const means = Array.from({ length: count }, (_, bucket) =>
      this.#means(bucket * each, Math.min(this.size, (bucket + 1) * each)),
    );
    const curve = (i: number): (number | null)[] => means.map((row) => row[i]!);
    const curves = Object.fromEntries(curveNames.map((one, i) => [one, curve(i)]));
    const step = means.map(
      (_, bucket) => this.#rows[(Math.min(this.size, (bucket + 1) * each) - 1) * rowLength]!,
    );
    return { name, step, curves: curves as RunCurves["curves"] };
  }

  /** Of each curve over some rows; null where none says it. */
  #means(first: number, end: number): (number | null)[] {
    return curveNames.map((_, i) => {
      let [sum, count] = [0, 0];
      for (let row = first; row < end; row++) {
        const value = this.#rows[row * rowLength + 1 + i]!;
        if (Number.isNaN(value)) continue;
        sum += value;
        count++;
      }
      return count === 0 ? null : sum / count;
    });
  }
}
