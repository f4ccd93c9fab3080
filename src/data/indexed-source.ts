/** @file A source whose samples are found by an index. */
import { decodePicture } from "../formats/images.js";
import type { Sample, SampleReference, SampleSource } from "./sample.js";
import { nameOf, SampleReader } from "./sample-reader.js";

/** What a source needs of its index. */
export interface Keys {
  readonly count: number;
  key(number: number): string;
}

export class IndexedSource implements SampleSource {
  readonly location: string;
  readonly fingerprint: string;
  readonly classes: readonly string[] | null;
  readonly #keys: Keys;
  readonly #reference: (number: number) => SampleReference;
  readonly #reader = new SampleReader();

  constructor(
    location: string,
    fingerprint: string,
    keys: Keys,
    reference: (number: number) => SampleReference,
    classes: readonly string[] | null = null,
  ) {
    this.location = location;
    this.fingerprint = fingerprint;
    this.#keys = keys;
    this.#reference = reference;
    this.classes = classes;
  }

  get count(): number {
    return this.#keys.count;
  }

  key(number: number): string {
    return this.#keys.key(this.#checked(number));
  }

  reference(number: number): SampleReference {
    return this.#reference(this.#checked(number));
  }

  async read(number: number): Promise<Sample> {
    const reference = this.reference(number);
    const { bytes, ...text } = await this.#reader.read(reference);
    return { ...text, picture: await decodePicture(bytes, nameOf(reference)) };
  }

  async close(): Promise<void> {
    await this.#reader.close();
  }

  #checked(number: number): number {
    if (Number.isInteger(number) && number >= 0 && number < this.count) return number;
    throw new Error(`internal: sample ${number} of ${this.count}`);
  }
}
