/** @file One captioned picture, as every data source gives it. */
import type { Picture } from "../formats/images.js";

export interface Sample {
  /** The sample's name in its source. */
  readonly key: string;
  readonly picture: Picture;
  readonly caption: string;
  /** What else the source knows of it (the JSON beside it), or null. */
  readonly truth: unknown;
}

/** A source of samples by number. */
export interface SampleSource {
  readonly count: number;
  /** @throws DreamError naming the sample where it is broken */
  read(number: number): Promise<Sample>;
  close(): Promise<void>;
}
