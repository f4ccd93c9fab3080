/** @file One trial of the fuzzer: a pickle gives plain data or a `DreamError`, and nothing else. */
import { DreamError } from "../../src/errors.js";
import { readPickle } from "../../src/formats/pickle/read.js";
import { PickleLeaf, type PickleValue } from "../../src/formats/pickle/value.js";
import { TorchName, TorchTensor } from "../../src/formats/torch/tensor.js";
import { torchVocabulary } from "../../src/formats/torch/vocabulary.js";
import { type Corpus, type Dice, fuzzedPickle } from "./pickles.js";

/** What a run of trials came to. */
export interface Tally {
  parsed: number;
  refusedByName: number;
  refused: number;
  tensors: number;
  slowestMs: number;
}

/** @throws Error with the pickle in hexadecimal digits where anything but data or a `DreamError` comes of it */
export function runTrials(
  count: number,
  dice: Dice,
  corpus: Corpus,
  progress: (done: number, tally: Tally) => void = () => undefined,
): Tally {
  const vocabulary = torchVocabulary({
    size: (key) => corpus.storages.get(key),
    read: (key, offset, length) => {
      if (!(offset >= 0 && length >= 0 && offset + length <= corpus.storages.get(key)!))
        throw new Error(`read ${length} bytes at ${offset} of storage ${key}`);
      return new Uint8Array(length);
    },
  });
  const tally: Tally = { parsed: 0, refusedByName: 0, refused: 0, tensors: 0, slowestMs: 0 };
  for (let done = 0; done < count; done++) {
    const bytes = fuzzedPickle(dice, corpus);
    const start = performance.now();
    try {
      tally.tensors += tensorsIn(readPickle(bytes, { path: "fuzz.pth", part: "data.pkl" }, vocabulary));
      tally.parsed++;
    } catch (error) {
      if (!(error instanceof DreamError) || error.code !== "format")
        throw new Error(`trial ${done}: ${Buffer.from(bytes).toString("hex")}`, { cause: error });
      if (/: refuses /.test(error.message)) tally.refusedByName++;
      else tally.refused++;
    }
    tally.slowestMs = Math.max(tally.slowestMs, performance.now() - start);
    if ((done + 1) % 50_000 === 0) progress(done + 1, tally);
  }
  if (Object.keys(Object.prototype).length > 0) throw new Error("a pickle changed Object.prototype");
  return tally;
}

/** Walks a value to its ends, reading its tensors. @returns how many there were @throws Error at anything that is not plain */
export function tensorsIn(value: PickleValue): number {
  if (value instanceof TorchTensor) {
    if (value.byteLength > 1 << 16) return 1;
    if (value.bytes().length !== value.byteLength) throw new Error(`${value.description} has other bytes`);
    return 1;
  }
  if (value === null || value instanceof Uint8Array || value instanceof TorchName) return 0;
  if (Array.isArray(value) || value instanceof Map) {
    let sum = 0;
    for (const one of value.values()) sum += tensorsIn(one);
    return sum;
  }
  if (value instanceof PickleLeaf || typeof value === "object" || typeof value === "function")
    throw new Error(`not plain: ${String(value)}`);
  return 0;
}
