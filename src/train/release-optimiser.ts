/**
 * @file The state of `torch.optim.AdamW` as the release saves it: two groups of parameters, counted by index in the order of its model,
 * the first without weight decay.
 */
import { DreamError } from "../errors.js";
import { type PickleValue, PythonFloat, tuple } from "../formats/pickle/value.js";
import { TorchTensor } from "../formats/torch/tensor.js";
import type { DreamModel } from "../models/dream/dream.js";
import { pytorchName } from "../models/dream/pytorch-names.js";
import { inPytorchOrder } from "../models/dream/pytorch-order.js";
import type { NamedTensor } from "../nn/index.js";
import { type AdamWConfig, decays } from "./adamw.js";

/** A parameter or buffer under both its names. */
export interface Place {
  readonly path: string;
  readonly name: string;
}

/** The model's state in the release's order. @param model may be on device `meta` */
export function places(state: readonly NamedTensor[]): Place[] {
  return inPytorchOrder(
    state.map(([path]) => ({ path, name: pytorchName(path) })),
    ({ name }) => name,
  );
}

/** The parameters of the optimiser's two groups, in the order of their indices: those without weight decay come first. */
export function optimiserGroups(model: DreamModel): readonly [still: Place[], decayed: Place[]] {
  const parameters = model.parameters();
  return [places(parameters.filter((one) => !decays(one))), places(parameters.filter((one) => decays(one)))];
}

/** What the optimiser did last. */
export interface LastStep {
  readonly optimiser: AdamWConfig;
  readonly stepCount: number;
  readonly learningRate: number;
}

/** @param take a tensor by the name of a run's checkpoint */
export function optimiserState(
  model: DreamModel,
  take: (name: string) => TorchTensor,
  { optimiser, stepCount, learningRate }: LastStep,
): PickleValue {
  const groups = optimiserGroups(model);
  const step = (): TorchTensor =>
    new TorchTensor("F32", [], () => new Uint8Array(Float32Array.of(stepCount).buffer));
  const state = groups.flat().map(({ path }, index): [number, PickleValue] => [
    index,
    new Map<string, PickleValue>([
      ["step", step()],
      ["exp_avg", take(`optimiser.mean.${path}`)],
      ["exp_avg_sq", take(`optimiser.square.${path}`)],
    ]),
  ]);
  const [still] = groups;
  return new Map<string, PickleValue>([
    ["state", new Map(state)],
    [
      "param_groups",
      groups.map(
        (group, i): PickleValue =>
          new Map<string, PickleValue>([
            ["weight_decay", new PythonFloat(i === 0 ? 0 : optimiser.weightDecay)],
            ["lr", new PythonFloat(learningRate)],
            ["betas", tuple<PickleValue>([...optimiser.betas])],
            ["eps", optimiser.epsilon],
            ["amsgrad", false],
            ["foreach", null],
            ["maximize", false],
            ["capturable", false],
            ["differentiable", false],
            ["fused", null],
            ["params", group.map((_, index) => index + (i === 0 ? 0 : still.length))],
          ]),
      ),
    ],
  ]);
}

/** Moments by index, and what was counted. */
export interface Moments {
  readonly mean: ReadonlyMap<string, TorchTensor>;
  readonly square: ReadonlyMap<string, TorchTensor>;
  /** For each group, the indices of its parameters. */
  readonly groups: readonly (readonly string[])[];
  /** The different counts of steps. */
  readonly steps: ReadonlySet<number>;
}

/** @throws DreamError `format` where the state is none of AdamW's */
export function momentsOf(path: string, optimiser: PickleValue): Moments {
  const dict = optimiser instanceof Map ? optimiser : new Map<unknown, PickleValue>();
  const state = dict.get("state");
  const groups = dict.get("param_groups");
  if (!(state instanceof Map) || !Array.isArray(groups))
    throw unlike(path, "an optimizer with 'state' and 'param_groups'", "none: the file is a model alone");
  const mean = new Map<string, TorchTensor>();
  const square = new Map<string, TorchTensor>();
  const steps = new Set<number>();
  for (const [index, one] of state) {
    if (!(one instanceof Map)) throw unlike(path, `a dict for parameter ${String(index)}`, "something else");
    const [first, second] = [one.get("exp_avg"), one.get("exp_avg_sq")];
    if (first instanceof TorchTensor) mean.set(String(index), first);
    if (second instanceof TorchTensor) square.set(String(index), second);
    steps.add(stepsOf(path, one.get("step")));
  }
  return { mean, square, steps, groups: groups.map((group) => indicesOf(path, group)) };
}

function indicesOf(path: string, group: PickleValue): string[] {
  const indices = group instanceof Map ? group.get("params") : undefined;
  if (!Array.isArray(indices)) throw unlike(path, "the parameters of a group", "something else");
  return indices.map(String);
}

/** Newer versions count in a tensor of one float, older ones in an integer. */
function stepsOf(path: string, step: PickleValue | undefined): number {
  if (typeof step === "number") return step;
  if (step instanceof TorchTensor && step.dtype === "F32" && step.byteLength === 4) {
    const bytes = step.bytes();
    return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true);
  }
  throw unlike(path, "a count of steps", "something else");
}

function unlike(path: string, expected: string, got: string): DreamError {
  return new DreamError("format", {
    operation: `read ${path}`,
    expected,
    got,
    hint: "only the state of AdamW, as the release saves it, can be gone on from",
  });
}
