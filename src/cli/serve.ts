/** @file `dream serve`: a model behind OpenAI's API and the studio, for programs and people on this machine or, with a token, on others. */
import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { Dream } from "../dream.js";
import { DreamError } from "../errors.js";
import type { Precision } from "../generate/engine.js";
import { PictureGallery } from "../picture-gallery.js";
import { PictureIndex } from "../search/picture-index.js";
import { usualLimits } from "../server/admission.js";
import { serveModel } from "../server/listen.js";
import { WatchedRuns } from "../watched-runs.js";
import { deviceOption } from "./device.js";
import { precisionOption } from "./drawing-options.js";
import { hubOptions } from "./hub-options.js";
import { whole } from "./numbers.js";
import { say, tell } from "./output.js";
import { Progress } from "./progress.js";

interface ServeFlags {
  readonly model: string;
  readonly host: string;
  readonly port: number;
  readonly name?: string;
  readonly index?: string;
  readonly gallery?: string;
  readonly runs?: string;
  readonly tokenFile?: string;
  readonly allowHost: readonly string[];
  readonly maxRequests: number;
  readonly timeout: number;
  readonly device: string;
  readonly precision: Precision;
  readonly json?: boolean;
}

/** How long the end waits for what is under way. */
const patienceMs = 30_000;

export function addServe(program: Command): void {
  program
    .command("serve")
    .description(
      "serve a model: the studio to people; OpenAI's images, edits and embeddings, and jobs, to programs",
    )
    .requiredOption("--model <model>", "a run's folder, such as runs/demo, or owner/name on the hub")
    .option("--host <address>", "where to listen; others than this machine's own need a token", "127.0.0.1")
    .option("--port <number>", "where to listen; 0 takes any that is free", whole(0, 65_535), 8000)
    .option("--name <name>", "what requests call the model (default: the last part of --model)")
    .option("--index <folder>", "pictures that can be searched, as `dream index` made them")
    .option("--gallery <folder>", "where the studio keeps what it draws; without it nothing is kept")
    .option("--runs <folder>", "training runs that the studio shows, such as runs")
    .option("--token-file <file>", "holds the bearer token that requests must carry (or set DREAM_TOKEN)")
    .option(
      "--allow-host <name>",
      "a name that the server goes by, beside localhost; may be given several times, * is any",
      (name: string, before: readonly string[]) => [...before, name],
      [],
    )
    .option(
      "--max-requests <count>",
      "that are worked on or wait; more are told to come later",
      whole(1),
      usualLimits.requests,
    )
    .option("--timeout <seconds>", "of one request's work", whole(1), usualLimits.timeoutMs / 1000)
    .addOption(deviceOption())
    .addOption(precisionOption())
    .option("--json", "print where it listens as one line of JSON")
    .addHelpText("after", "\nExample:\n  $ dream serve --model runs/demo --port 8000")
    .action(serve);
}

async function serve(flags: ServeFlags): Promise<void> {
  const { model, device, precision, host, port } = flags;
  const token = tokenOf(flags);
  const progress = new Progress(`Downloading ${model}`);
  const dream = await Dream.load(model, {
    device,
    precision,
    hub: hubOptions(),
    onDownload: ({ file, doneBytes, totalBytes }) => progress.update(doneBytes, totalBytes, file),
  });
  const name = flags.name ?? basename(resolve(model));
  const index = flags.index === undefined ? null : await openIndex(flags.index, dream, model);
  const gallery = flags.gallery === undefined ? null : await PictureGallery.open(flags.gallery);
  const runs = flags.runs === undefined ? null : new WatchedRuns(flags.runs);
  const serving = await serveModel(dream, {
    index,
    gallery,
    runs,
    host,
    port,
    name,
    token,
    names: flags.allowHost,
    limits: { ...usualLimits, requests: flags.maxRequests, timeoutMs: 1000 * flags.timeout },
    log: say,
  });
  const { address } = serving;
  say(
    `The studio is at ${address}; programs find ${name} at ${address}/v1 (${address}/docs). Ctrl-C ends it.`,
  );
  if (flags.json) tell({ address, model: name });
  await ended();
  say(`Ending: waiting up to ${patienceMs / 1000} s for what is under way.`);
  const isDone = await serving.close(patienceMs);
  await index?.close();
  await dream.dispose();
  if (!isDone) say("Some requests were not done, and were told so.");
}

/** @throws DreamError `io` where there is none, `value` where it is another model's */
async function openIndex(folder: string, dream: Dream, model: string): Promise<PictureIndex> {
  await PictureIndex.describe(folder);
  return PictureIndex.open(folder, dream, model);
}

/** A signal; a second one ends the process at once. */
function ended(): Promise<void> {
  return new Promise((resolve) => {
    let told = false;
    const stop = (): void => {
      if (told) process.exit(1);
      told = true;
      resolve();
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  });
}

/** @throws DreamError `io` where the file cannot be read, `value` where it holds no token */
function tokenOf({ tokenFile }: ServeFlags): string | null {
  const token = tokenFile === undefined ? process.env.DREAM_TOKEN?.trim() : textOf(tokenFile).trim();
  if (tokenFile === undefined && !token) return null;
  if (token !== undefined && /^\S{8,}$/.test(token)) return token;
  throw new DreamError("value", {
    operation: `read ${tokenFile ?? "DREAM_TOKEN"}`,
    expected: "a token of at least 8 characters, without spaces",
    got: `${token?.length ?? 0} characters`,
  });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("io", { operation: `read ${path}`, message, hint: "check the path", cause });
  }
}
