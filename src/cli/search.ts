/** @file `dream search`: the pictures of an index that fit a sentence, or another picture, best. */
import type { Command } from "commander";
import { Dream } from "../dream.js";
import { DreamError } from "../errors.js";
import { PictureIndex } from "../search/picture-index.js";
import { deviceOption } from "./device.js";
import { hubOptions } from "./hub-options.js";
import { whole } from "./numbers.js";
import { say, tell } from "./output.js";

interface SearchFlags {
  readonly index: string;
  readonly image?: string;
  readonly number: number;
  readonly model?: string;
  readonly device: string;
  readonly json?: boolean;
}

export function addSearch(program: Command): void {
  program
    .command("search")
    .description("find the pictures of an index that fit a sentence, or look like a picture")
    .argument("[sentence]", "what they show")
    .option("--image <file>", "a picture that they are like, in place of a sentence")
    .option("--index <folder>", "what `dream index` made", "pictures.index")
    .option("-n, --number <count>", "pictures", whole(1), 10)
    .option("--model <model>", "where the index's model is (default: where it was)")
    .addOption(deviceOption())
    .option("--json", "print one line of JSON for each picture")
    .addHelpText(
      "after",
      '\nExample:\n  $ dream search "a red circle above a blue square" --index pictures.index',
    )
    .action(search);
}

async function search(sentence: string | undefined, flags: SearchFlags): Promise<void> {
  const { index: at, image, number, device, json } = flags;
  if ((sentence === undefined) === (image === undefined))
    throw new DreamError("usage", {
      operation: "search",
      expected: "a sentence or --image",
      got: sentence === undefined ? "neither" : "both",
    });
  const { model: known } = await PictureIndex.describe(at);
  const model = flags.model ?? known;
  const dream = await Dream.load(model, { device, hub: hubOptions() });
  try {
    const pictures = await PictureIndex.open(at, dream, model);
    const query = sentence === undefined ? { image: image! } : { text: sentence };
    for (const found of await pictures.search(query, number))
      if (json) tell(found);
      else say(`${found.score.toFixed(3)}  ${found.path}`);
    await pictures.close();
  } finally {
    await dream.dispose();
  }
}
