/** @file Memory does not grow with the source: a source and one of a hundred times as many samples, each in a process of its own. */
import { execFileSync } from "node:child_process";
import { linkSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TarEntry, writeTar } from "../src/formats/tar-writer.js";
import { record } from "./diary.js";
import { root } from "./process.js";

const samples = 256;
const times = 100;
/** So that the large source is seen once. */
const steps = (samples * times) / 64;

async function* entries(): AsyncGenerator<TarEntry> {
  for (let i = 0; i < samples; i++) {
    const data = Uint8Array.from({ length: 3 * 80 * 60 }, (_, k) => (k * (i + 3)) % 251);
    const jpeg = await sharp(data, { raw: { width: 80, height: 60, channels: 3 } })
      .jpeg()
      .toBuffer();
    yield { name: `${i}.jpg`, data: jpeg };
    yield { name: `${i}.txt`, data: Buffer.from(`caption ${i}`) };
  }
}

/** Both load the same number of batches, shuffled, so that both heaps reach their size; prints the most memory, in bytes. */
const program = `
const { openSamples } = await import(${JSON.stringify(join(root, "dist/data/open-samples.js"))});
const { Loader } = await import(${JSON.stringify(join(root, "dist/data/loader.js"))});
const { BatchOrder } = await import(${JSON.stringify(join(root, "dist/data/order.js"))});
const source = await openSamples(process.argv[1]);
const loader = new Loader(source, { side: 64, workers: 2 });
const order = new BatchOrder(source.count, 64, 1);
const peak = () => 1024 * process.resourceUsage().maxRSS;
let half;
for (let step = 0; step < ${steps}; step++) {
  if (step === ${steps} / 2) half = peak();
  await loader.load(order.batch(step).map((number) => ({ number, view: { kind: "centre" } })));
}
await loader.close();
console.log(JSON.stringify({ count: source.count, half, whole: peak() }));
`;

const folder = mkdtempSync(join(tmpdir(), "dream-memory-"));
beforeAll(async () => {
  await writeTar(join(folder, "0000.tar"), entries());
  for (let i = 1; i < times; i++)
    linkSync(join(folder, "0000.tar"), join(folder, `${String(i).padStart(4, "0")}.tar`));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Peak {
  readonly count: number;
  /** After half of the batches, and after all. */
  readonly half: number;
  readonly whole: number;
}

function peakOf(location: string): Peak {
  const args = ["--input-type=module", "-e", program, location];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Peak;
}

it("stays what it was where the source is a hundred times larger", () => {
  const small = peakOf(join(folder, "0000.tar"));
  const large = peakOf(folder);
  record("memory of a source a hundred times larger", { small, large });
  expect([small.count, large.count]).toEqual([samples, samples * times]);
  expect(large.whole).toBeLessThan(1.15 * small.whole);
  expect(large.whole).toBeLessThan(1.15 * large.half);
});
