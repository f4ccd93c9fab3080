/** @file What happened in a run, a JSON object a line: `metrics.jsonl`. Appended as it happens. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { writeAtomically, writeFailure } from "../formats/atomic.js";
import type { StepReport } from "./trainer.js";

/** A line of the journal. */
export interface JournalEntry extends StepReport {
  readonly step: number;
  readonly epoch: number;
  readonly imagesPerSecond: number;
  readonly seconds: number;
  /** Of the matrix products that the machine reaches, 0..1; null where it was not measured. */
  readonly ceilingShare: number | null;
}

export class Journal {
  constructor(readonly path: string) {
    mkdirSync(dirname(path), { recursive: true });
  }

  /** @throws DreamError `io` where the disk is full */
  append(entry: JournalEntry): void {
    try {
      appendFileSync(this.path, `${JSON.stringify(entry)}\n`);
    } catch (cause) {
      throw writeFailure(this.path, cause);
    }
  }

  /** Drops the lines of a step and after, which a resumed run is about to write again. */
  async cutFrom(step: number): Promise<void> {
    const kept = this.read().filter((entry) => entry.step < step);
    const text = kept.map((entry) => `${JSON.stringify(entry)}\n`).join("");
    await writeAtomically(this.path, (file) => file.writeFile(text));
  }

  /** Every whole line so far; a line cut short by a crash is left out. */
  read(): JournalEntry[] {
    if (!existsSync(this.path)) return [];
    return readFileSync(this.path, "utf8")
      .split("\n")
      .flatMap((line) => {
        try {
          return line === "" ? [] : [JSON.parse(line) as JournalEntry];
        } catch {
          return [];
        }
      });
  }
}
