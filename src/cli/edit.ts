/** @file `dream edit`: a part of a picture drawn anew from a sentence, everything else kept. */
import { type Command, InvalidArgumentError } from "commander";
import { deviceFor } from "../device.js";
import { type Drawing, DrawingPipeline } from "../drawing.js";
import { DreamError } from "../errors.js";
import { pictureSide } from "../features/picture-codec.js";
import type { Picture } from "../formats/images.js";
import { type Box, boxRegion, composite, lightRegion, type Region, tokensOf } from "../generate/region.js";
import { loadModel } from "../recipe/model-folder.js";
import { addDrawingOptions, checkPrompt, type DrawingFlags, settledBy } from "./drawing-options.js";
import { keepPicture } from "./kept-pictures.js";
import { locateModel } from "./locate-model.js";
import { whole } from "./numbers.js";
import { Progress } from "./progress.js";
import { readSquare, readSquareMask } from "./read-picture.js";

interface EditOptions extends DrawingFlags {
  readonly model: string;
  readonly image: string;
  readonly prompt: string;
  readonly box?: Box;
  readonly mask?: string;
  readonly keepPixels?: boolean;
  readonly number: number;
  readonly seed: number;
  readonly outputDir: string;
  readonly json?: boolean;
}

export function addEdit(program: Command): void {
  const command = program
    .command("edit")
    .description("draw a part of a picture anew from a sentence; all other tokens stay as they are")
    .requiredOption("--model <run>", "a run's folder, such as runs/demo")
    .requiredOption("--image <file>", "a JPEG, PNG or WebP picture; its middle is taken")
    .requiredOption("--prompt <sentence>", "what the whole picture shows afterwards")
    .option("--box <x,y,width,height>", "what is drawn anew, in the model's pixels from the top left", box)
    .option("--mask <file>", "a picture whose light pixels are drawn anew; its middle is taken")
    .option("--keep-pixels", "paste the original's pixels over all that is outside the box or mask")
    .option("-n, --number <count>", "variations", whole(1), 1);
  addDrawingOptions(command)
    .option("--seed <number>", "of the first variation; the next ones count up", whole(0), 0)
    .option("--output-dir <folder>", "where the pictures go", "out")
    .option("--json", "print one line of JSON for each picture")
    .addHelpText(
      "after",
      '\nExample:\n  $ dream edit --model runs/demo --image out/red.png --box 0,0,16,32 --prompt "a small blue square in the top left on a plain background" -n 4',
    )
    .action(edit);
}

function box(text: string): Box {
  const [, x, y, width, height] = /^(\d+),(\d+),(\d+),(\d+)$/.exec(text.replaceAll(" ", "")) ?? [];
  if (height !== undefined)
    return { x: Number(x), y: Number(y), width: Number(width), height: Number(height) };
  throw new InvalidArgumentError(`Expected four whole numbers as 0,0,16,32, got "${text}".`);
}

async function edit(options: EditOptions): Promise<void> {
  const { negative } = options;
  if ((options.box === undefined) === (options.mask === undefined))
    throw new DreamError("usage", {
      operation: "edit a picture",
      expected: "--box or --mask",
      got: options.box === undefined ? "neither" : "both",
    });
  const trained = await loadModel(options.model, locateModel, deviceFor(options.device, null));
  checkPrompt(trained, options.prompt, "--prompt");
  if (negative !== undefined) checkPrompt(trained, negative, "--negative");
  const side = pictureSide(trained);
  const picture = await readSquare(options.image, side);
  const region = await regionOf(options, side);
  const { choice, sampling } = settledBy(options, trained);
  const seeds = Array.from({ length: options.number }, (_, i) => options.seed + i);
  const { side: latentSide, patch } = trained.model.config.latent;
  const progress = new Progress("Drawing");
  const started = performance.now();
  const drawings = new DrawingPipeline(trained, { precision: options.precision }).draw(
    seeds.map(() => options.prompt),
    {
      choice,
      seeds,
      sampling,
      ...(negative === undefined ? {} : { negative }),
      edit: { picture, redrawn: tokensOf(region, latentSide / patch) },
      onStep: (step) => progress.update(step.index + 1, sampling.steps),
    },
  );
  const seconds = (performance.now() - started) / 1000 / seeds.length;
  const { image, box, mask, keepPixels = false } = options;
  for (const [i, drawn] of drawings.entries()) {
    const kept: Drawing = keepPixels ? { ...drawn, picture: pasted(region, picture, drawn.picture) } : drawn;
    const drawing = { choice, sampling, negative };
    const from = { prompt: options.prompt, seed: seeds[i]!, drawing, edit: { image, box, mask, keepPixels } };
    await keepPicture(options.outputDir, kept, from, seconds, options.json ?? false);
  }
}

const pasted = (region: Region, original: Picture, drawn: Picture): Picture => ({
  ...drawn,
  data: composite(region, original.data, drawn.data),
});

async function regionOf({ box, mask }: EditOptions, side: number): Promise<Region> {
  if (mask === undefined) return boxRegion(side, box!);
  return lightRegion(await readSquareMask(mask, side));
}
