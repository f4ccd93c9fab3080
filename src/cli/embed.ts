/** @file `dream embed`: pictures and sentences as unit vectors of one space. */
import type { Command } from "commander";
import { deviceFor } from "../device.js";
import { type Embeddings, embedCaptions, embedPictures } from "../embedding.js";
import { DreamError } from "../errors.js";
import { pictureSide } from "../features/picture-codec.js";
import { loadModel } from "../recipe/model-folder.js";
import { deviceOption } from "./device.js";
import { locateModel } from "./locate-model.js";
import { say, tell } from "./output.js";
import { readSquare } from "./read-picture.js";

interface EmbedOptions {
  readonly model: string;
  readonly images?: readonly string[];
  readonly texts?: readonly string[];
  readonly device: string;
  readonly json?: boolean;
}

/** Pictures that are embedded at a time. */
const window = 64;

export function addEmbed(program: Command): void {
  program
    .command("embed")
    .description("turn pictures and sentences into unit vectors of one space, one line of JSON each")
    .requiredOption("--model <run>", "a run's folder, such as runs/demo")
    .option("--images <files...>", "JPEG, PNG or WebP pictures; the middle of each is taken")
    .option("--texts <sentences...>", "sentences")
    .addOption(deviceOption())
    .option("--json", "print the lines of JSON alone, without the cosines for people")
    .addHelpText(
      "after",
      '\nExample:\n  $ dream embed --model runs/demo --images out/*.png --texts "a red circle" "a blue square" > vectors.jsonl',
    )
    .action(embed);
}

async function embed({ model: run, images = [], texts = [], device, json }: EmbedOptions): Promise<void> {
  if (images.length + texts.length === 0)
    throw new DreamError("usage", {
      operation: "embed",
      expected: "--images, --texts or both",
      got: "neither",
      hint: "see `dream embed --help`",
    });
  const trained = await loadModel(run, locateModel, deviceFor(device, null));
  const side = pictureSide(trained);
  const pictures: (readonly number[])[] = [];
  for (let first = 0; first < images.length; first += window) {
    const part = images.slice(first, first + window);
    const read = await Promise.all(part.map((path) => readSquare(path, side)));
    pictures.push(...embedPictures(trained, read));
  }
  const sentences = embedCaptions(trained, texts);
  for (const [i, embedding] of pictures.entries()) tell({ input: images[i], kind: "image", embedding });
  for (const [i, embedding] of sentences.entries()) tell({ input: texts[i], kind: "text", embedding });
  if (!json) sayCosines(images, pictures, texts, sentences);
  trained.model.dispose();
}

/** For each picture how near every sentence is. */
function sayCosines(
  images: readonly string[],
  pictures: Embeddings,
  texts: readonly string[],
  sentences: Embeddings,
): void {
  for (const [i, picture] of pictures.entries())
    for (const [j, sentence] of sentences.entries()) {
      const cosine = picture.reduce((sum, value, k) => sum + value * sentence[k]!, 0);
      say(`${cosine.toFixed(3)}  ${images[i]}  "${texts[j]}"`);
    }
}
