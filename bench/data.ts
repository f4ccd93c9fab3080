/** @file The data bench: JPEGs from a shard to a batch of centre crops, and a shard's index, against Python's Pillow and tarfile. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { lookAt } from "../src/data/index-file.js";
import { Loader } from "../src/data/loader.js";
import { openSamples } from "../src/data/open-samples.js";
import { indexShards } from "../src/data/shards.js";
import { type TarEntry, writeTar } from "../src/formats/tar-writer.js";
import { packageRoot } from "../src/tensor/index.js";
import type { BenchCase } from "./rows.js";

/** Pictures in a batch, and the side of their crops. */
const [batch, side] = [64, 256];
const memberCount = 4000;

const folder = join(packageRoot(), "build", "bench");
const pictures = join(folder, "pictures.tar");
const members = join(folder, "members.tar");

/** Makes both archives. @returns where they are */
export async function prepareData(): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  await writeTar(pictures, photographs());
  await writeTar(members, smallMembers());
  return [pictures, members];
}

/** JPEGs as long as photographs of their size are: shapes large and small, and grain. */
async function* photographs(): AsyncGenerator<TarEntry> {
  for (let i = 0; i < batch; i++) {
    const [width, height] = i % 2 === 0 ? [500, 375] : [375, 500];
    const data = new Uint8Array(3 * width * height);
    for (let y = 0, at = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let channel = 0; channel < 3; channel++, at++) {
          const large = Math.sin((x + 40 * i) / 61 + channel) * Math.cos(y / 47 - i);
          const small = Math.sin(x / (3 + (i % 5))) * Math.sin((y + x * channel) / 9);
          const grain = ((at * 2654435761 + i * 97) >>> 13) % 40;
          data[at] = 110 + 60 * large + 25 * small + grain;
        }
    const jpeg = sharp(data, { raw: { width, height, channels: 3 } }).jpeg({ quality: 90 });
    yield { name: `${String(i).padStart(6, "0")}.jpg`, data: await jpeg.toBuffer() };
    yield { name: `${String(i).padStart(6, "0")}.txt`, data: Buffer.from(`picture ${i}`) };
  }
}

async function* smallMembers(): AsyncGenerator<TarEntry> {
  for (let i = 0; i < memberCount; i++) {
    const name = `${String(i >> 1).padStart(6, "0")}.${i % 2 === 0 ? "jpg" : "txt"}`;
    yield { name, data: new Uint8Array(i % 2 === 0 ? 8000 + (i % 900) : 60) };
  }
}

let opened: Promise<Loader> | undefined;

async function openLoader(): Promise<Loader> {
  await rm(join(folder, "index"), { recursive: true, force: true });
  return new Loader(await openSamples(pictures, { indexFolder: join(folder, "index") }), { side });
}

async function loadSeconds(): Promise<number> {
  opened ??= openLoader();
  const loader = await opened;
  const requests = Array.from({ length: batch }, (_, number) => ({
    number,
    view: { kind: "centre" } as const,
  }));
  const started = performance.now();
  const loaded = await loader.load(requests);
  const pixels = new Uint8Array(batch * side * side * 3);
  for (const [i, sample] of loaded.entries()) pixels.set(sample.pixels, i * sample.pixels.length);
  return (performance.now() - started) / 1000;
}

function indexSeconds(): number {
  const started = performance.now();
  const { count } = indexShards(lookAt([members]));
  if (count !== memberCount / 2) throw new Error(`internal: ${count} samples were found`);
  return (performance.now() - started) / 1000;
}

export async function finishData(): Promise<void> {
  await (await opened)?.close();
}

export const dataCases: readonly BenchCase[] = [
  { name: "load-images", unit: "images/s", scale: (seconds) => batch / seconds, ours: loadSeconds },
  { name: "index-shard", unit: "ms", scale: (seconds) => seconds * 1000, ours: indexSeconds },
];
