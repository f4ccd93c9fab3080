/**
 * @file Reading checkpoints of the release (SPEC section 9): state dicts under its names, and a whole run's state under ours. A bare state
 * dict is a checkpoint of a model alone.
 */
import { DreamError } from "../errors.js";
import type { PickleValue } from "../formats/pickle/value.js";
import { TorchTensor } from "../formats/torch/tensor.js";
import type { TorchFile } from "../formats/torch/torch-file.js";
import type { DreamModel } from "../models/dream/dream.js";
import { pytorchName } from "../models/dream/pytorch-names.js";
import type { ReleaseShapes } from "../models/dream/release-config.js";
import type { ReleaseSettings } from "../models/dream/release-settings.js";
import type { RunState } from "./release-checkpoint.js";
import { Fit, type StateDict, type Wanted } from "./release-fit.js";
import { momentsOf, optimiserGroups } from "./release-optimiser.js";

/** A checkpoint's content; null for what it does not have. */
export interface ReleaseCheckpoint {
  readonly path: string;
  readonly model: StateDict;
  /** Averaged parameters; buffers too, where the release wrote it. */
  readonly average: StateDict | null;
  /** `torch.optim.AdamW`'s state, by indices. */
  readonly optimiser: PickleValue;
  /** The last epoch that ended, counted from 0. */
  readonly epoch: number | null;
  /** `args`. */
  readonly settings: ReleaseSettings | null;
}

type Dict = ReadonlyMap<unknown, PickleValue>;

/** @throws DreamError `format` where the file holds neither a checkpoint of the release nor a state dict */
export function readReleaseCheckpoint({ path, value }: TorchFile): ReleaseCheckpoint {
  if (!(value instanceof Map)) throw unlike(path, "a dict", "something else");
  const dict: Dict = value;
  const bare = !dict.has("model") && [...dict.values()].some((one) => one instanceof TorchTensor);
  const model = stateDict(path, "model", bare ? value : dict.get("model"));
  if (model === null) throw unlike(path, "a state dict, or a dict with one as 'model'", keysOf(dict));
  const epoch = dict.get("epoch");
  const settings = dict.get("args");
  return {
    path,
    model,
    average: bare ? null : stateDict(path, "model_ema", dict.get("model_ema")),
    optimiser: bare ? null : (dict.get("optimizer") ?? null),
    epoch: typeof epoch === "number" ? epoch : null,
    settings: settings instanceof Map && !bare ? settingsOf(settings) : null,
  };
}

/** Shapes of a state dict. */
export function shapesOf(dict: StateDict): ReleaseShapes {
  return new Map([...dict].map(([name, { shape }]) => [name, shape]));
}

/**
 * A whole run's state.
 * @param model of the checkpoint's configuration, on any device, `meta` too
 * @throws DreamError `state` naming everything that is missing, unexpected or misshapen
 */
export function runStateOfRelease(checkpoint: ReleaseCheckpoint, model: DreamModel): RunState {
  const { path } = checkpoint;
  const state = [...model.namedTensors()];
  const parameters = new Set(model.parameters().map(([name]) => name));
  const fit = new Fit(path);
  const wanted = state.map(([own, { shape }]): Wanted => ({ own, name: pytorchName(own), shape }));
  const average = checkpoint.average ?? new Map();
  const tensors = [
    ...fit.take("model", "model", wanted, checkpoint.model),
    ...fit.take(
      "ema",
      "model_ema",
      wanted.filter(({ own }) => parameters.has(own)),
      average,
      wanted.filter(({ own }) => !parameters.has(own)),
    ),
  ];
  const shapes = new Map(wanted.map(({ own, shape }) => [own, shape]));
  const { mean, square, steps, groups } = momentsOf(path, checkpoint.optimiser);
  const ours = optimiserGroups(model);
  if (String(groups.map(({ length }) => length)) !== String(ours.map(({ length }) => length)))
    throw unlike(
      path,
      `groups of ${ours.map(({ length }) => length).join(" and ")} parameters`,
      groups.map(({ length }) => length).join(" and "),
    );
  const indices = groups.flat();
  const numbered = ours
    .flat()
    .map(({ path: own }, i): Wanted => ({ own, name: indices[i]!, shape: shapes.get(own)! }));
  tensors.push(...fit.take("optimiser.mean", "exp_avg", numbered, mean));
  tensors.push(...fit.take("optimiser.square", "exp_avg_sq", numbered, square));
  fit.finish();
  const [stepCount, ...others] = steps;
  if (stepCount === undefined || others.length > 0)
    throw unlike(path, "one count of steps for all parameters", `${steps.size} of them`);
  return { tensors: new Map(tensors), stepCount };
}

/** Steps that the optimiser counted; null where the file has none of its state. */
export function stepsCounted({ path, optimiser }: ReleaseCheckpoint): number | null {
  if (!(optimiser instanceof Map)) return null;
  const [steps, ...others] = momentsOf(path, optimiser).steps;
  return steps === undefined || others.length > 0 ? null : steps;
}

/** A state dict without what `DistributedDataParallel` puts before its names; null where there is none. */
function stateDict(path: string, part: string, value: PickleValue | undefined): StateDict | null {
  if (value === undefined || value === null) return null;
  if (!(value instanceof Map)) throw unlike(path, `a state dict as '${part}'`, "something else");
  const named: [string, TorchTensor][] = [];
  for (const [name, tensor] of value) {
    if (typeof name !== "string" || !(tensor instanceof TorchTensor))
      throw unlike(path, `tensors by name in '${part}'`, `something else as ${JSON.stringify(String(name))}`);
    named.push([name, tensor]);
  }
  const wrapped = named.every(([name]) => name.startsWith("module."));
  return new Map(wrapped ? named.map(([name, tensor]) => [name.slice("module.".length), tensor]) : named);
}

/** `args` as settings; dicts inside become objects. */
function settingsOf(dict: Dict): ReleaseSettings {
  return Object.fromEntries(
    [...dict].map(([name, value]) => [String(name), value instanceof Map ? settingsOf(value) : value]),
  );
}

function keysOf(dict: Dict): string {
  const keys = [...dict.keys()].slice(0, 8).map((key) => JSON.stringify(String(key).slice(0, 40)));
  return `the keys ${keys.join(", ")}`;
}

function unlike(path: string, expected: string, got: string): DreamError {
  return new DreamError("format", {
    operation: `read ${path}`,
    expected,
    got,
    hint: "only checkpoints of the release, and state dicts of its model, are read",
  });
}
