/** @file The loader's thread: reads, decodes and cuts one sample after another, and hands the pixels over without a copy. */
import { parentPort, workerData } from "node:worker_threads";
import sharp from "sharp";
import { DreamError } from "../errors.js";
import { decodeQuickly } from "./decode.js";
import type { SampleReference, SampleText } from "./sample.js";
import { nameOf, SampleReader } from "./sample-reader.js";
import { type View, viewOf } from "./view.js";

/** What a thread is told when it starts. */
export interface WorkerStart {
  /** Of the squares, in pixels. */
  readonly side: number;
}

/** One sample to be loaded. */
export interface Job {
  readonly id: number;
  readonly reference: SampleReference;
  readonly view: View;
}

/** What became of a job. Broken is the sample; an error that is nobody's sample ends the thread. */
export type Outcome =
  | {
      readonly kind: "loaded";
      readonly id: number;
      readonly text: SampleText;
      readonly pixels: Uint8Array<ArrayBuffer>;
    }
  | { readonly kind: "broken"; readonly id: number; readonly reason: string };

async function load(reader: SampleReader, { id, reference, view }: Job, side: number): Promise<Outcome> {
  try {
    const { bytes, ...text } = await reader.read(reference);
    const picture = await decodeQuickly(bytes, nameOf(reference));
    const { data } = viewOf(picture, view, side);
    return { kind: "loaded", id, text, pixels: data };
  } catch (error) {
    if (error instanceof DreamError) return { kind: "broken", id, reason: error.message };
    throw error;
  }
}

const port = parentPort;
if (port === null) throw new Error("internal: the loader's thread was started as a program");
const { side } = workerData as WorkerStart;
const reader = new SampleReader();
// The threads beside this one use the other cores, and no operation comes twice.
sharp.concurrency(1);
sharp.cache(false);

let last: Promise<void> = Promise.resolve();
port.on("message", (job: Job) => {
  last = last.then(async () => {
    const outcome = await load(reader, job, side);
    port.postMessage(outcome, outcome.kind === "loaded" ? [outcome.pixels.buffer] : []);
  });
});
