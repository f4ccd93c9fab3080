/** @file One captioned picture, as every data source gives it, and where it is kept. */
import type { Picture } from "../formats/images.js";

/** What a source knows of a picture. */
export interface SampleText {
  /** The sample's name in its source. */
  readonly key: string;
  /** At least one; where a source has several, all of them in its order. */
  readonly captions: readonly [string, ...string[]];
  /** The first caption. */
  readonly caption: string;
  /** The number of its class, or null. */
  readonly label: number | null;
  /** What else the source knows of it (the JSON beside it), or null. */
  readonly truth: unknown;
}

/** A sample with its picture. */
export interface Sample extends SampleText {
  readonly picture: Picture;
}

/** A sample with its picture's file, as it is kept: JPEG, PNG or WebP. */
export interface EncodedSample extends SampleText {
  readonly bytes: Uint8Array;
}

/** Bytes of a file. */
export interface FileRange {
  readonly offset: number;
  readonly size: number;
}

/**
 * Where a sample is kept: enough for a `SampleReader` in any thread, and plain data, so that it can be sent to one.
 * `members` is a tar archive, `line` a row of `metadata.jsonl` or `metadata.csv`, `file` a picture in its class's folder,
 * `row` a row of a parquet file (counted from 0 in its row group).
 */
export type SampleReference =
  | {
      readonly kind: "members";
      readonly key: string;
      readonly archive: string;
      readonly picture: FileRange;
      readonly text: FileRange | null;
      readonly json: FileRange | null;
    }
  | {
      readonly kind: "line";
      readonly key: string;
      readonly folder: string;
      readonly table: string;
      /** The names of a CSV file's columns; null in JSON lines. */
      readonly columns: readonly string[] | null;
      readonly row: FileRange;
    }
  | {
      readonly kind: "file";
      readonly key: string;
      readonly folder: string;
      readonly className: string;
      readonly label: number;
    }
  | {
      readonly kind: "row";
      readonly key: string;
      readonly file: string;
      readonly rowGroup: number;
      readonly row: number;
      /** Columns, each by the names from the top of the schema to its values. */
      readonly leaves: {
        readonly image: readonly string[];
        readonly caption: readonly string[];
        readonly label: readonly string[] | null;
      };
    };

/** A source of samples by number. */
export interface SampleSource {
  readonly count: number;
  /** What it was opened by. */
  readonly location: string;
  /** Changes when a file is added, taken away, or written again: a hash of names, sizes and times. */
  readonly fingerprint: string;
  /** Names of the classes in the order of their labels, where pictures lie in folders that are named so; null elsewhere. */
  readonly classes: readonly string[] | null;
  /** The sample's name in its source. */
  key(number: number): string;
  /** Where the sample is kept. */
  reference(number: number): SampleReference;
  /** @throws DreamError naming the sample where it is broken */
  read(number: number): Promise<Sample>;
  /** Gives open files back. */
  close(): Promise<void>;
}
