/** @file Captioned pictures for tests, as they are found in the wild: JPEGs of odd sizes and kinds in tar shards, some of them broken. */
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { drawScene } from "../src/data/scenes/draw.js";
import { sceneRandom } from "../src/data/scenes/random.js";
import { renderScene } from "../src/data/scenes/render.js";
import { type TarEntry, writeTar } from "../src/formats/tar-writer.js";

const perShard = 32;

/** The number of a sample's kind; most are ordinary. */
const kinds = 8;

/**
 * Writes `photos-000000.tar` and on.
 * @param broken numbers of samples whose pictures are cut short or no pictures at all
 */
export async function writePhotos(
  folder: string,
  count: number,
  broken: readonly number[] = [],
): Promise<void> {
  for (let first = 0; first < count; first += perShard) {
    const path = join(folder, `photos-${String(first / perShard).padStart(6, "0")}.tar`);
    await writeTar(path, entries(first, Math.min(count, first + perShard), broken));
  }
}

async function* entries(first: number, end: number, broken: readonly number[]): AsyncGenerator<TarEntry> {
  for (let number = first; number < end; number++) {
    const key = String(number).padStart(8, "0");
    const { caption, picture } = await photo(number);
    const data = broken.includes(number) ? spoilt(picture.data, number) : picture.data;
    yield { name: `${key}.${picture.ending}`, data };
    yield number % 3 === 0
      ? { name: `${key}.json`, data: Buffer.from(JSON.stringify({ captions: [caption, "another"] })) }
      : { name: `${key}.txt`, data: Buffer.from(`${caption}\n`) };
  }
}

function spoilt(picture: Buffer, number: number): Buffer {
  return number % 2 === 0 ? picture.subarray(0, Math.floor(picture.length / 2)) : Buffer.from("no picture");
}

async function photo(number: number) {
  const { scene, caption } = drawScene(1, "train", number, sceneRandom(9, number));
  const { picture } = renderScene(scene, 48);
  const { width, height, data } = picture;
  const image = sharp(data, { raw: { width, height, channels: 3 } }).resize(
    41 + (number % 7),
    39 + (number % 5),
    {
      fit: "fill",
    },
  );
  return { caption, picture: await encoded(image, number) };
}

async function encoded(image: Sharp, number: number): Promise<{ ending: string; data: Buffer }> {
  switch (number % kinds) {
    case 1:
      return { ending: "jpg", data: await image.greyscale().jpeg().toBuffer() };
    case 2:
      return { ending: "jpg", data: await image.toColourspace("cmyk").jpeg().toBuffer() };
    case 3:
      return { ending: "jpg", data: await image.withMetadata({ orientation: 6 }).jpeg().toBuffer() };
    case 4:
      return { ending: "png", data: await image.ensureAlpha(0.5).png().toBuffer() };
    case 5:
      return { ending: "webp", data: await image.webp().toBuffer() };
    case 6:
      return { ending: "jpg", data: await image.resize(1, 40, { fit: "fill" }).jpeg().toBuffer() };
    default:
      return { ending: "jpg", data: await image.jpeg({ quality: 90 }).toBuffer() };
  }
}
