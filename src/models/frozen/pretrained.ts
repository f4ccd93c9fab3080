/**
 * @file A frozen model's folder as Hugging Face lays it out: `config.json`, and weights in one safetensors file or in shards with an
 * index. What is read is checked whole before a tensor is made, and every weight is in memory once.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DreamError } from "../../errors.js";
import { adoptState, type Module, type StateSource, stateFile } from "../../nn/index.js";
import type { Device, DType } from "../../tensor/index.js";

/** A folder, opened. */
export interface PretrainedFolder {
  readonly path: string;
  /** `config.json`, unchecked: each model has a schema of its own for it. */
  readonly config: unknown;
  readonly weights: StateSource;
}

/** Names of weights, by the library that writes them. */
const weightNames = ["model", "diffusion_pytorch_model"] as const;

/** Larger JSON files are refused before they are read. */
const maximumJsonBytes = 16_000_000;

/**
 * Opens a folder.
 * @throws DreamError `io` where a file is missing, `format` where one is damaged or names files elsewhere
 */
export function openPretrained(path: string): PretrainedFolder {
  return { path, config: readJson(join(path, "config.json")), weights: openWeights(path) };
}

/** @throws DreamError `format` with the path of every mistake */
export function parseConfig<T>({ path, config }: PretrainedFolder, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(config);
  if (parsed.success) return parsed.data;
  throw new DreamError("format", {
    operation: `read ${join(path, "config.json")}`,
    message: z.prettifyError(parsed.error),
    hint: "the folder holds another kind of model, or one with options that are not supported",
    cause: parsed.error,
  });
}

/** How a frozen model is held. */
export interface FrozenOptions {
  readonly device?: Device;
  /** Of floating-point weights; null, the default, keeps each as it is stored. */
  readonly dtype?: DType | null;
}

/**
 * A model with a folder's weights, in `eval` mode, to which no gradients flow.
 * @param build makes the model on the device given (`meta`: shapes without memory)
 * @param nameOf a stored tensor's name for one of the model's property paths
 * @throws DreamError `state` with every missing, unexpected and misshapen key
 */
export function frozenModel<M extends Module>(
  build: (device: Device) => M,
  nameOf: (path: string) => string,
  weights: StateSource,
  { device = "cpu", dtype = null }: FrozenOptions = {},
): M {
  const model = build("meta");
  const state = [...model.namedTensors()].map(([path, tensor]) => [nameOf(path), tensor] as const);
  adoptState(state, weights, { device, dtype });
  model.setMode("eval");
  return model;
}

/** A source with some of its tensors only, under other names. @param nameOf null leaves a tensor out */
export function selectWeights(source: StateSource, nameOf: (stored: string) => string | null): StateSource {
  const stored = new Map<string, string>();
  for (const name of source.shapes.keys()) {
    const wanted = nameOf(name);
    if (wanted !== null) stored.set(wanted, name);
  }
  return {
    name: source.name,
    shapes: new Map([...stored].map(([wanted, name]) => [wanted, source.shapes.get(name)!])),
    read: (wanted) => source.read(stored.get(wanted)!),
  };
}

function openWeights(folder: string): StateSource {
  for (const name of weightNames) {
    const index = join(folder, `${name}.safetensors.index.json`);
    if (existsSync(index)) return openShards(folder, index);
    const whole = join(folder, `${name}.safetensors`);
    if (existsSync(whole)) return stateFile(whole);
  }
  throw new DreamError("io", {
    operation: `read ${folder}`,
    expected: weightNames.map((name) => `${name}.safetensors`).join(" or "),
    got: "neither, nor an index of shards",
    hint: "name a model's folder; weights in PyTorch's .bin files have to be saved as safetensors first",
  });
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

function openShards(folder: string, index: string): StateSource {
  const parsed = indexSchema.safeParse(readJson(index));
  if (!parsed.success)
    throw new DreamError("format", {
      operation: `read ${index}`,
      message: z.prettifyError(parsed.error),
      cause: parsed.error,
    });
  const shards = new Map<string, StateSource>();
  const owner = new Map<string, StateSource>();
  for (const [name, file] of Object.entries(parsed.data.weight_map)) {
    if (!/^[\w.-]+\.safetensors$/.test(file))
      throw new DreamError("format", {
        operation: `read ${index}`,
        expected: "names of safetensors files in the same folder",
        got: JSON.stringify(file.slice(0, 80)),
      });
    const shard = shards.get(file) ?? stateFile(join(folder, file));
    shards.set(file, shard);
    if (!shard.shapes.has(name))
      throw new DreamError("format", {
        operation: `read ${shard.name}`,
        expected: `tensor '${name}'`,
        got: "none",
      });
    owner.set(name, shard);
  }
  return {
    name: index,
    shapes: new Map([...owner].map(([name, shard]) => [name, shard.shapes.get(name)!])),
    read: (name) => owner.get(name)!.read(name),
  };
}

/** @throws DreamError `io` where there is no such file, `format` where it is no JSON or too large */
export function readJson(path: string): unknown {
  try {
    const { size } = statSync(path);
    if (size > maximumJsonBytes) throw new Error(`${size} bytes, where at most ${maximumJsonBytes} are read`);
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code === undefined ? "format" : "io";
    throw new DreamError(code, {
      operation: `read ${path}`,
      message: cause instanceof Error ? cause.message : String(cause),
      hint: "name a model's folder as Hugging Face lays it out",
      cause,
    });
  }
}
