/** @file Training runs below a folder, as they are watched: live or past, read from what they leave on disk, a part at a time. */
import { type Dirent, existsSync, statSync } from "node:fs";
import { type FileHandle, open, readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
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

/** Runs below a folder. */
export class WatchedRuns {
  readonly #folder: string;
  readonly #journals = new Map<string, GrowingJournal>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All of them, by name. */
  async list(): Promise<RunSummary[]> {
    const names = await this.#names(this.#folder, deepest);
    const summaries: RunSummary[] = [];
    for (const name of names.sort()) {
      const journal = await this.#journal(name);
      const { size, last } = journal;
      const recipe = this.#recipe(name);
      summaries.push({
        name,
        recipe: recipe?.name ?? null,
        steps: size,
        share: recipe === null || last === null ? null : Math.min(1, last.epoch / recipe.epochs),
        live: Date.now() - journal.changedMs < liveMs,
        samples: await this.#samples(name),
      });
    }
    return summaries;
  }

  /** @param points at most @returns null where there is no such run */
  async curves(name: string, points: number): Promise<RunCurves | null> {
    if (!(await this.#isRun(name))) return null;
    return (await this.#journal(name)).curves(name, points);
  }

  /** The grid that was drawn after so many steps, a PNG; null where there is none. */
  async sample(name: string, steps: number): Promise<Uint8Array | null> {
    if (!(await this.#isRun(name))) return null;
    const file = `step-${String(steps).padStart(8, "0")}.png`;
    return readFile(join(samplesFolder(join(this.#folder, name)), file)).catch(() => null);
  }

  /** Only what is listed is read, whatever a name says. */
  async #isRun(name: string): Promise<boolean> {
    return (await this.#names(this.#folder, deepest)).includes(name);
  }

  async #names(folder: string, depth: number): Promise<string[]> {
    const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const own = entries.some((entry) => entry.isFile() && entry.name === "metrics.jsonl");
    if (own) return [relative(this.#folder, folder) || "."];
    if (depth === 0) return [];
    const below = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
    const found = await Promise.all(below.map(({ name }) => this.#names(join(folder, name), depth - 1)));
    return found.flat();
  }

  async #journal(name: string): Promise<GrowingJournal> {
    let journal = this.#journals.get(name);
    if (journal === undefined) {
      journal = new GrowingJournal(join(this.#folder, name, "metrics.jsonl"));
      this.#journals.set(name, journal);
    }
    await journal.read();
    return journal;
  }

  /** Null where there is none, or one of another version. */
  #recipe(name: string): ReturnType<typeof recipeOfRun> | null {
    try {
      return recipeOfRun(join(this.#folder, name));
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

/** A journal of which only what is new is read. */
class GrowingJournal {
  readonly #path: string;
  /** A row for each step: the step, and its curves. */
  #rows: (readonly (number | null)[])[] = [];
  #bytes = 0;
  #rest = "";
  #reading: Promise<void> | null = null;
  last: { readonly epoch: number } | null = null;
  changedMs = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Steps so far. */
  get size(): number {
    return this.#rows.length;
  }

  /** Reads on; a journal that became shorter (its run was resumed) from the beginning. */
  async read(): Promise<void> {
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async #readOn(): Promise<void> {
    if (!existsSync(this.#path)) return;
    const { size, mtimeMs } = statSync(this.#path);
    if (size < this.#bytes) {
      this.#rows = [];
      this.#bytes = 0;
      this.#rest = "";
    }
    this.changedMs = mtimeMs;
    if (size === this.#bytes) return;
    const file = await open(this.#path);
    try {
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
    try {
      const entry = JSON.parse(line) as JournalEntry;
      this.last = { epoch: entry.epoch };
      this.#rows.push([entry.step, ...curveNames.map((name) => entry[name])]);
    } catch {
      // A line that a crash cut short; the next one is whole.
    }
  }

  curves(name: string, points: number): RunCurves {
    const rows = this.#rows;
    const each = Math.max(1, Math.ceil(rows.length / points));
    const buckets = Array.from({ length: Math.ceil(rows.length / each) }, (_, i) =>
      rows.slice(i * each, (i + 1) * each),
    );
    const mean = (bucket: typeof rows, column: number): number | null => {
      const numbers = bucket.flatMap((row) => row[column] ?? []);
      return numbers.length === 0 ? null : numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
    };
    const curve = (of: (typeof curveNames)[number]): (number | null)[] =>
      buckets.map((bucket) => mean(bucket, 1 + curveNames.indexOf(of)));
    return {
      name,
      step: buckets.map((bucket) => bucket.at(-1)![0]!),
      curves: {
        generativeLoss: curve("generativeLoss"),
        contrastiveLoss: curve("contrastiveLoss"),
        maskRatio: curve("maskRatio"),
        learningRate: curve("learningRate"),
        gradientNorm: curve("gradientNorm"),
        imagesPerSecond: curve("imagesPerSecond"),
      },
    };
  }
}
