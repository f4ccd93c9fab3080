/**
 * @file Loads samples for training: read, decoded and cut in threads, the same whatever the number of threads. A broken sample is
 * replaced by the next whole one, and told; too many of them are an error.
 */
import { availableParallelism } from "node:os";
import { DreamError } from "../errors.js";
import { LoaderThreads } from "./loader-threads.js";
import type { SampleReference, SampleText } from "./sample.js";
import type { View } from "./view.js";

/** A sample to be loaded: its number in the source, and which part of its picture. */
export interface LoadRequest {
  readonly number: number;
  readonly view: View;
}

/** A sample as a model is shown it. */
export interface LoadedSample extends SampleText {
  /** Its number in the source: not the one that was asked for where that one is broken. */
  readonly number: number;
  /** side x side x 3, RGB, row by row */
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** A sample that could not be loaded. */
export interface BrokenSample {
  readonly number: number;
  readonly key: string;
  readonly reason: string;
}

/** What the loader needs of a source. */
export interface LoadableSource {
  readonly count: number;
  readonly location: string;
  key(number: number): string;
  reference(number: number): SampleReference;
}

export interface LoaderOptions {
  /** Of the squares, in pixels. */
  readonly side: number;
  /** Threads; as many as cores where left out. */
  readonly workers?: number;
  /** More broken samples than this share of those seen are an error; 0.05 where left out. */
  readonly brokenShare?: number;
  /** Told once of each broken sample. */
  readonly onBroken?: (broken: BrokenSample) => void;
}

/** Broken samples that are named. */
const named = 20;

/** Before so many samples were seen their share says nothing. */
const enoughSeen = 50;

export class Loader {
  readonly #source: LoadableSource;
  readonly #threads: LoaderThreads;
  readonly #brokenShare: number;
  readonly #onBroken: (broken: BrokenSample) => void;
  /** A bit for each sample: which were seen. */
  readonly #seen: Uint8Array;
  #seenCount = 0;
  readonly #broken = new Set<number>();
  readonly #named: BrokenSample[] = [];

  constructor(source: LoadableSource, options: LoaderOptions) {
    const { side, workers = availableParallelism(), brokenShare = 0.05, onBroken = () => {} } = options;
    this.#source = source;
    this.#threads = new LoaderThreads(workers, { side });
    this.#brokenShare = brokenShare;
    this.#onBroken = onBroken;
    this.#seen = new Uint8Array(Math.ceil(source.count / 8));
  }

  /** How many samples are broken of how many that were seen, and the first 20 of them. */
  get broken(): { readonly count: number; readonly seen: number; readonly named: readonly BrokenSample[] } {
    return { count: this.#broken.size, seen: this.#seenCount, named: this.#named };
  }

  /**
   * Loads samples, in the order of the requests.
   * @throws DreamError `format` where more samples are broken than was allowed, once 50 were seen, or where all are
   */
  async load(requests: readonly LoadRequest[]): Promise<LoadedSample[]> {
    const loaded = new Array<LoadedSample | undefined>(requests.length);
    let open = requests.map(({ number }, place) => ({ place, number, tried: 0 }));
    // Round by round: what is told, and when, does not depend on which thread is the first.
    while (open.length > 0) {
      const outcomes = await Promise.all(
        open.map(({ place, number }) =>
          this.#broken.has(number)
            ? null
            : this.#threads.run(this.#source.reference(number), requests[place]!.view),
        ),
      );
      const left: typeof open = [];
      for (const [i, one] of open.entries()) {
        const outcome = outcomes[i]!;
        this.#see(one.number);
        if (outcome?.kind === "loaded")
          loaded[one.place] = { ...outcome.text, number: one.number, pixels: outcome.pixels };
        else {
          if (outcome !== null) this.#remember(one.number, outcome.reason);
          if (one.tried + 1 >= this.#source.count) throw this.#tooMany();
          left.push({ ...one, number: (one.number + 1) % this.#source.count, tried: one.tried + 1 });
        }
      }
      if (this.#seenCount >= enoughSeen && this.#broken.size > this.#brokenShare * this.#seenCount)
        throw this.#tooMany();
      open = left;
    }
    return loaded as LoadedSample[];
  }

  /** The names of the samples that were loaded for these numbers, broken ones replaced. */
  keysOf(numbers: readonly number[]): string[] {
    return numbers.map((number) => {
      let whole = number;
      while (this.#broken.has(whole)) whole = (whole + 1) % this.#source.count;
      return this.#source.key(whole);
    });
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await this.#threads.close();
  }

  #see(number: number): void {
    const bit = 1 << (number & 7);
    if ((this.#seen[number >> 3]! & bit) !== 0) return;
    this.#seen[number >> 3]! |= bit;
    this.#seenCount++;
  }

  #remember(number: number, reason: string): void {
    if (this.#broken.has(number)) return;
    this.#broken.add(number);
    const broken = { number, key: this.#source.key(number), reason };
    if (this.#named.length < named) this.#named.push(broken);
    this.#onBroken(broken);
  }

  #tooMany(): DreamError {
    const percent = ((100 * this.#broken.size) / this.#seenCount).toFixed(1);
    const names = this.#named.map(({ key }) => key).join(", ");
    return new DreamError("format", {
      operation: `load ${this.#source.location}`,
      expected: `at most ${100 * this.#brokenShare} % broken samples`,
      got: `${percent} % (${this.#broken.size} of ${this.#seenCount}): ${names}; the first: ${this.#named[0]?.reason}`,
      hint: "see what is wrong with these, or allow a larger share",
    });
  }
}
