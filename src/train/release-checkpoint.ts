/**
 * @file A run's state as a checkpoint of the release (SPEC section 9), and back. Tensors are bytes here: they go from file to file one at
 * a time, and no engine computes with them.
 */
import { DreamError } from "../errors.js";
import {
  Namespace,
  OrderedDict,
  type PickleKey,
  type PickleValue,
  PythonFloat,
} from "../formats/pickle/value.js";
import { TorchTensor } from "../formats/torch/tensor.js";
import type { DreamModel } from "../models/dream/dream.js";
import type { ReleaseSettings } from "../models/dream/release-settings.js";
import type { AdamWConfig } from "./adamw.js";
import type { SavedCheckpoint } from "./checkpoint-reader.js";
import { optimiserState, places } from "./release-optimiser.js";

/** A run's tensors, by the names of its checkpoint: `model.`, `ema.`, `optimiser.mean.` and `optimiser.square.` with property paths. */
export interface RunState {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** Steps that the optimiser took. */
  readonly stepCount: number;
}

/** What the release notes beside the tensors. */
export interface ReleaseNotes {
  readonly optimiser: AdamWConfig;
  /** Of the last step. */
  readonly learningRate: number;
  /** The last epoch that ended, counted from 0. */
  readonly epoch: number;
  readonly settings: ReleaseSettings;
}

/** A run's checkpoint as a run's state; its tensors stay on disk until they are asked for. */
export function runStateOf({ state, notes }: SavedCheckpoint): RunState {
  const tensors = [...state.tensors].map(([name, { dtype, shape, bytes }]): [string, TorchTensor] => [
    name,
    new TorchTensor(dtype, shape, bytes),
  ]);
  return { tensors: new Map(tensors), stepCount: notes.optimiserSteps };
}

/**
 * What `torch.save` would have been given: for `writeTorchFile`.
 * @param model the run's, on any device, `meta` too
 * @throws DreamError `state` where the run's state lacks a tensor; a run with Muon has moments that the release cannot hold
 */
export function releaseCheckpointOf(
  model: DreamModel,
  run: RunState,
  notes: ReleaseNotes,
): Map<PickleKey, PickleValue> {
  const take = (name: string): TorchTensor => {
    const tensor = run.tensors.get(name);
    if (tensor !== undefined) return tensor;
    throw new DreamError("state", {
      operation: "write a checkpoint of the release",
      expected: `${name} in the run's state`,
      got: "none",
      hint: "only a run with AdamW alone has a state that the release can go on from",
    });
  };
  const parameters = new Set(model.parameters().map(([path]) => path));
  return new Map<PickleKey, PickleValue>([
    ["model", releaseStateDict(model, (path) => take(`model.${path}`))],
    // Averages of the parameters; buffers come from the live model.
    [
      "model_ema",
      releaseStateDict(model, (path) => take(`${parameters.has(path) ? "ema" : "model"}.${path}`)),
    ],
    ["optimizer", optimiserState(model, take, { ...notes, stepCount: run.stepCount })],
    ["epoch", notes.epoch],
    ["scaler", scalerState()],
    ["args", argsOf(notes.settings)],
  ]);
}

/** A model alone, as its `state_dict()` in the release. @param take a tensor by its property path */
export function releaseStateDict(model: DreamModel, take: (path: string) => TorchTensor): OrderedDict {
  return new OrderedDict(places([...model.namedTensors()]).map(({ path, name }) => [name, take(path)]));
}

/** What a fresh `GradScaler` holds: the release loads one, though with bfloat16 it scales nothing that matters. */
function scalerState(): PickleValue {
  return new Map<string, PickleValue>([
    ["scale", new PythonFloat(65536)],
    ["growth_factor", new PythonFloat(2)],
    ["backoff_factor", 0.5],
    ["growth_interval", 2000],
    ["_growth_tracker", 0],
  ]);
}

/** Settings as the release notes them. */
export function argsOf(settings: ReleaseSettings): Namespace {
  return new Namespace(Object.entries(settings).map(([name, value]) => [name, plain(value)]));
}

/** Settings as plain data. */
function plain(value: unknown): PickleValue {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return new Map(Object.entries(value).map(([name, one]) => [name, plain(one)]));
  return Array.isArray(value) ? value.map(plain) : (value as PickleValue);
}
