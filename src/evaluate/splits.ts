/** @file Pictures to measure on, as splits: samples in memory, or a source on disk read square by square. */
import type { Loader } from "../data/loader.js";
import type { Sample } from "../data/sample.js";

/** Pictures of the model's size, in order. */
export interface PictureSplit {
  readonly name: string;
  readonly count: number;
  /** @param count at most as many as are left */
  read(first: number, count: number): Promise<readonly Sample[]>;
}

export function splitOf(name: string, samples: readonly Sample[]): PictureSplit {
  return {
    name,
    count: samples.length,
    read: async (first, count) => samples.slice(first, first + count),
  };
}

/** The middles of a source's pictures. @param side of the squares, in pixels @param count of its first samples */
export function loadedSplit(name: string, loader: Loader, side: number, count: number): PictureSplit {
  return {
    name,
    count,
    read: async (first, some) => {
      const numbers = Array.from({ length: some }, (_, i) => first + i);
      const loaded = await loader.load(numbers.map((number) => ({ number, view: { kind: "centre" } })));
      return loaded.map(({ pixels, ...text }) => ({
        ...text,
        picture: { width: side, height: side, data: pixels },
      }));
    },
  };
}
