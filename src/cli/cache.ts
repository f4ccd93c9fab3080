/** @file `dream cache`: what the frozen models make of pictures and captions, kept on disk, so that training runs without them. */
import { type Command, InvalidArgumentError } from "commander";
import { deviceFor } from "../device.js";
import { bytesPerSample, shardCount } from "../features/cache-format.js";
import { fillCache } from "../features/cache-writer.js";
import { makeParts, saveParts } from "../recipe/parts.js";
import { cacheIndexFor, examplesOf, openPictures } from "../recipe/pictures-data.js";
import { recipeOf } from "../recipe/recipe.js";
import { precisionOn } from "../recipe/run.js";
import { commandLine } from "./command-line.js";
import { deviceOption } from "./device.js";
import { interruption } from "./interruption.js";
import { locateModel } from "./locate-model.js";
import { whole } from "./numbers.js";
import { say, tell } from "./output.js";
import { clock, Progress } from "./progress.js";
import { readRecipeWith, setOption } from "./recipe-settings.js";

interface CacheCommandOptions {
  readonly data: string;
  readonly out: string;
  readonly recipe: string;
  readonly set?: readonly string[];
  readonly rows: number;
  readonly part: { readonly number: number; readonly of: number };
  readonly pixels?: boolean;
  readonly indexFolder?: string;
  readonly device: string;
  readonly json?: boolean;
}

/** Samples in a file where nothing else is said. */
const usualRows = 4096;

export function addCache(program: Command): void {
  program
    .command("cache")
    .description(
      "run a recipe's frozen models over pictures and captions once, and keep what they give for training",
    )
    .requiredOption("--data <location>", "captioned pictures: shards, a folder, or parquet files")
    .requiredOption("--out <folder>", "where the cache goes; an unfinished one is gone on with")
    .option("--recipe <name>", "whose autoencoder, captions and picture size are used", "dream-l")
    .addOption(setOption())
    .option("--rows <N>", "samples in a file", whole(1), usualRows)
    .option(
      "--part <i/N>",
      "fill only every N-th file, from the i-th (1/N to N/N), for N processes at once",
      part,
      {
        number: 0,
        of: 1,
      },
    )
    .option("--pixels", "keep the cropped pixels too")
    .option("--index-folder <folder>", "where the index of the pictures is kept (default: beside them)")
    .addOption(deviceOption())
    .option("--json", "print one line of JSON with the results")
    .addHelpText(
      "after",
      "\nExample:\n  $ dream cache --data 'cc12m/{00000..01242}.tar' --out cc12m-features --recipe dream-l",
    )
    .action(cache);
}

function part(text: string): CacheCommandOptions["part"] {
  const [, number = "0", of = "0"] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (Number(number) < 1 || Number(number) > Number(of))
    throw new InvalidArgumentError(`Expected a part such as 1/4, got "${text}".`);
  return { number: Number(number) - 1, of: Number(of) };
}

async function cache(options: CacheCommandOptions): Promise<void> {
  const started = performance.now();
  const recipe = recipeOf("pictures", readRecipeWith(options.recipe, options.set));
  const { data, out, rows } = options;
  const { number, of } = options.part;
  const device = deviceFor(options.device, null);
  const stop = interruption(
    commandLine("dream cache", {
      "--data": data,
      "--out": out,
      "--recipe": options.recipe,
      "--set": options.set,
      "--rows": rows === usualRows ? undefined : rows,
      "--part": of === 1 ? undefined : `${number + 1}/${of}`,
      "--pixels": options.pixels,
      "--index-folder": options.indexFolder,
      "--device": options.device === "auto" ? undefined : options.device,
    }),
  );
  const { source, loader } = await openPictures(recipe, data, {
    onBroken: ({ key, reason }) => say(`Left out ${key}: ${reason}`),
    indexFolder: options.indexFolder,
  });
  try {
    const parts = await makeParts(
      recipe,
      recipe.model,
      locateModel,
      () => examplesOf(source, loader, recipe.data.sizePixels),
      { device, dtype: precisionOn(device, recipe.precision) },
    );
    const pixels = options.pixels ? "kept" : "left-out";
    const index = cacheIndexFor(recipe, source, parts, { rowsPerShard: rows, pixels });
    const bytes = bytesPerSample(index);
    say(
      `${source.count} samples of ${data} in ${shardCount(index)} files: ${(bytes / 1000).toFixed(1)} KB each.`,
    );
    const progress = new Progress("Caching");
    const reading = performance.now();
    let fresh = 0;
    const { broken } = await fillCache(
      out,
      index,
      { loader, ...parts },
      {
        part: options.part,
        onProgress: (done, all, found) => {
          fresh = done - found;
          const perSecond = fresh / ((performance.now() - reading) / 1000);
          progress.update(done, all, `${perSecond.toFixed(1)} samples/s`);
        },
        signal: stop.signal,
      },
    );
    await saveParts(out, parts);
    const seconds = (performance.now() - started) / 1000;
    const samplesPerSecond = fresh / ((performance.now() - reading) / 1000);
    say(
      `Cached ${fresh} samples in ${clock(seconds)} (${samplesPerSecond.toFixed(1)} a second)` +
        `${broken > 0 ? `; ${broken} could not be read` : ""}. Train with it: dream train ${options.recipe} --train-data ${out}`,
    );
    if (options.json)
      tell({
        out,
        samples: source.count,
        cached: fresh,
        broken,
        bytesPerSample: bytes,
        samplesPerSecond,
        seconds,
      });
  } finally {
    stop.release();
    await loader.close();
    await source.close();
  }
}
