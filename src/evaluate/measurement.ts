/** @file What every measure gives, and the contract that all of them keep. */
import type { Interval } from "./intervals.js";
import type { Subject } from "./subject.js";

/** A value as JSON can hold it. */
export type Json = number | string | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** One figure, and what stands behind it. */
export interface Measurement {
  /** In the measure's unit. */
  readonly value: number;
  /** Of 95%; null where none is known. */
  readonly interval: Interval | null;
  /** What the figure is over: pictures, episodes, pairs. */
  readonly samples: number;
  /**
   * One number for each of these, of which the figure is the mean: two systems are compared pair by pair. Null where the figure is
   * no mean.
   */
  readonly outcomes: readonly number[] | null;
  /** The parts of the figure, and the settings that decided it. */
  readonly details: { readonly [name: string]: Json };
}

/** What of a subject decides which measures it can be measured by. */
export type Offered = Pick<Subject, "data" | "drawings" | "judges">;

export interface Measure {
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly unit: "share" | "distance" | "score" | "metres" | "pictures/s";
  readonly better: "higher" | "lower";
  /** Whether it looks at what the model drew, or at what it makes of pictures. */
  readonly of: "drawings" | "understanding";
  /** What a subject lacks for it, as the end of a sentence that begins with "needs"; null where nothing is lacking. */
  lacks(offered: Offered): string | null;
  run(subject: Subject): Promise<Measurement>;
}
