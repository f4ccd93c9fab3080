/** @file What a demo found out: everything that its page shows and its summary counts. */
import type { Attribute, Fidelity } from "../evaluate/fidelity.js";
import type { PairedDifference } from "../evaluate/intervals.js";
import type { ZeroShotPoint } from "../evaluate/zero-shot.js";
import type { Picture } from "../formats/images.js";
import type { Machine } from "../machine.js";
import type { JournalEntry } from "../train/journal.js";

/** The same sentences, drawn plainly with the same seeds after so many steps. */
export interface Moment {
  readonly step: number;
  readonly pictures: readonly Picture[];
}

/** One choice of SAD, taken apart. */
export interface ChoiceStory {
  readonly caption: string;
  readonly halfDrawn: readonly Picture[];
  readonly scores: readonly number[];
  readonly chosen: number;
  readonly decodedShare: number;
  readonly finished: Picture;
  readonly plain: Picture;
}

/** SAD with so many candidates, chosen at such a share of the tokens, against plain decoding of the same prompts. */
export interface SadCell {
  readonly candidates: number;
  readonly atFraction: number;
  readonly fidelity: Fidelity;
  /** All right, SAD minus plain, paired over prompts. */
  readonly gain: PairedDifference;
}

/** A drawing and what the reader found wrong with it. */
export interface JudgedDrawing {
  readonly caption: string;
  readonly picture: Picture;
  readonly wrong: readonly Attribute[];
}

export interface FidelityTable {
  /** With the recipe's own choice, in the order of the prompts. */
  readonly drawings: readonly JudgedDrawing[];
  readonly plain: Fidelity;
  /** With the recipe's own number of candidates and moment of choice. */
  readonly sad: Fidelity;
  readonly sadGain: PairedDifference;
  readonly cells: readonly SadCell[];
}

/** The pictures nearest to a sentence, among those kept back. */
export interface SearchStory {
  readonly sentence: string;
  readonly found: readonly { readonly picture: Picture; readonly cosine: number }[];
}

export interface DemoStory {
  readonly machine: Machine;
  readonly recipe: {
    readonly name: string;
    readonly hash: string;
    readonly seed: number;
    readonly guidance: number;
    /** Only drawing is trained where less than this share of the tokens is visible, only understanding where less is hidden. */
    readonly minimumVisible: number;
    readonly minimumMasked: number;
  };
  readonly parameters: number;
  readonly trainingScenes: number;
  readonly steps: number;
  readonly seconds: number;
  readonly trainSeconds: number;
  readonly journal: readonly JournalEntry[];
  readonly momentPrompts: readonly string[];
  readonly moments: readonly Moment[];
  readonly choices: readonly ChoiceStory[];
  readonly fidelity: FidelityTable;
  /** Share of freshly rendered pictures that the reader misreads in any way. */
  readonly readerError: number;
  readonly readerSamples: number;
  readonly zeroShot: readonly ZeroShotPoint[];
  readonly classes: number;
  readonly zeroShotPictures: number;
  readonly search: readonly SearchStory[];
}
