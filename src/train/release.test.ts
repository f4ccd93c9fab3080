import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { tinyConfig, tinyGroup, tinyModel, tinyTraining } from "../../test/tiny.js";
import { OrderedDict, type PickleValue } from "../formats/pickle/value.js";
import { TorchTensor } from "../formats/torch/tensor.js";
import { openTorchFile, writeTorchFile } from "../formats/torch/torch-file.js";
import { DreamModel } from "../models/dream/dream.js";
import { pytorchName, pytorchState } from "../models/dream/pytorch-names.js";
import { configOfRelease } from "../models/dream/release-config.js";
import { configFromFlags, settingsOfConfig } from "../models/dream/release-settings.js";
import { bytesState, loadState, sourcesOf } from "../nn/index.js";
import { full, scope, zeros } from "../tensor/index.js";
import { stateOf } from "./checkpoint.js";
import { writeCheckpoint } from "./checkpoint-folder.js";
import { findCheckpoint } from "./checkpoint-reader.js";
import { type RunState, releaseCheckpointOf, runStateOf } from "./release-checkpoint.js";
import { optimiserGroups } from "./release-optimiser.js";
import { readReleaseCheckpoint, runStateOfRelease, shapesOf, stepsCounted } from "./release-reader.js";
import { Trainer } from "./trainer.js";

const folder = mkdtempSync(join(tmpdir(), "dream-release-"));
const config = { ...tinyTraining, captionDrop: 0 };
const notes = { optimiser: config.optimiser, learningRate: 1e-3, epoch: 7 };

let trainer: Trainer;
let run: RunState;
const released = join(folder, "release.pth");

beforeAll(async () => {
  trainer = new Trainer(tinyModel(), config, 1);
  for (let step = 0; step < 3; step++)
    scope(() => trainer.step(tinyGroup(6, 0, step), zeros([1, 6, 24]), { step, epoch: 20 }));
  const checkpoints = join(folder, "checkpoints");
  const recipe = { recipe: {}, recipeHash: "abc", processes: 1 };
  await writeCheckpoint(checkpoints, sourcesOf(stateOf(trainer)), { step: 3, optimiserSteps: 3, ...recipe });
  run = runStateOf((await findCheckpoint(checkpoints)).newest!);
  const meta = new DreamModel(tinyConfig, "meta");
  const value = releaseCheckpointOf(meta, run, { ...notes, settings: settingsOfConfig(tinyConfig) });
  await writeTorchFile(released, value);
});

/** The tensors of a run. */
const held = ({ tensors }: RunState): [string, string][] =>
  [...tensors]
    .map(([name, { dtype, shape, bytes }]): [string, string] => [
      name,
      `${dtype} [${shape}] ${Buffer.from(bytes()).toString("base64")}`,
    ])
    .sort();

describe("a checkpoint of the release", () => {
  it("holds a run's whole state, to the bit", async () => {
    const checkpoint = readReleaseCheckpoint(await openTorchFile(released));
    expect(checkpoint.epoch).toBe(7);
    const back = configOfRelease(released, checkpoint.settings!, shapesOf(checkpoint.model));
    expect(back).toEqual(tinyConfig);
    const state = runStateOfRelease(checkpoint, new DreamModel(back, "meta"));
    expect(state.stepCount).toBe(3);
    expect(stepsCounted(checkpoint)).toBe(3);
    expect(held(state)).toEqual(held(run));
  });

  it("loads into a model, live or averaged, with the batch statistics of the live one", async () => {
    const { path, model, average } = readReleaseCheckpoint(await openTorchFile(released));
    const live = new DreamModel(tinyConfig);
    loadState(pytorchState(live), bytesState(path, model));
    expect(pytorchState(live).map(([, tensor]) => tensor.toNumbers())).toEqual(
      pytorchState(trainer.model).map(([, tensor]) => tensor.toNumbers()),
    );
    const averaged = new DreamModel(tinyConfig);
    loadState(pytorchState(averaged), bytesState(path, average!));
    expect(averaged.parameters().map(([, tensor]) => tensor.toNumbers())).toEqual(
      trainer.average.state().map(([, tensor]) => tensor.toNumbers()),
    );
    expect(averaged.buffers().map(([, tensor]) => tensor.toNumbers())).toEqual(
      trainer.model.buffers().map(([, tensor]) => tensor.toNumbers()),
    );
  });

  it("counts the optimiser's parameters as recorded", () => {
    const golden = join(import.meta.dirname, "../../test/golden");
    const read = (name: string) => JSON.parse(readFileSync(join(golden, name), "utf8"));
    const model = new DreamModel(configFromFlags(read("t1_golden.json").config), "meta");
    const { no_decay, decay } = read("t1_tables.json").parameter_groups;
    expect(optimiserGroups(model).map((group) => group.map(({ name }) => name))).toEqual([no_decay, decay]);
  });

  it("of a model alone, wrapped for several devices, is read; going on from it is refused", async () => {
    const wrapped = new OrderedDict(
      pytorchState(trainer.model).map(([name, tensor]) => [
        `module.${name}`,
        new TorchTensor(tensor.dtype === "int64" ? "I64" : "F32", tensor.shape, () => tensor.toBytes()),
      ]),
    );
    const path = join(folder, "bare.pth");
    for (const value of [wrapped, new Map([["model", wrapped]])] as PickleValue[]) {
      await writeTorchFile(path, value);
      const checkpoint = readReleaseCheckpoint(await openTorchFile(path));
      expect([...checkpoint.model.keys()].sort()).toEqual(
        pytorchState(trainer.model)
          .map(([name]) => name)
          .sort(),
      );
      expect([checkpoint.average, checkpoint.optimiser, checkpoint.settings]).toEqual([null, null, null]);
      expect(stepsCounted(checkpoint)).toBeNull();
      expect(() => runStateOfRelease(checkpoint, new DreamModel(tinyConfig, "meta"))).toThrow(
        /bare\.pth: .*the file is a model alone/,
      );
    }
  });

  it("that does not fit is refused with everything at once", async () => {
    const file = await openTorchFile(released);
    const other = new DreamModel({ ...tinyConfig, alignerDepth: 0, head: { depth: 2, width: 40 } }, "meta");
    expect(() => runStateOfRelease(readReleaseCheckpoint(file), other)).toThrow(
      /groups of .* parameters, got/,
    );
    const wider = new DreamModel({ ...tinyConfig, head: { depth: 2, width: 40 } }, "meta");
    expect(() => runStateOfRelease(readReleaseCheckpoint(file), wider)).toThrow(
      /model: \d+ expected: diffloss\.net\.time_embed\.mlp\.0\.weight \[40, 256\] but found \[32, 256\].*; model_ema: .*; exp_avg: .*; exp_avg_sq: /,
    );
    const dict = file.value as Map<string, Map<string, PickleValue>>;
    dict.get("model")!.delete("mask_token");
    dict.get("model_ema")!.set("extra", new TorchTensor("F32", [0], () => new Uint8Array(0)));
    expect(() => runStateOfRelease(readReleaseCheckpoint(file), new DreamModel(tinyConfig, "meta"))).toThrow(
      /model: 1 missing: mask_token; model_ema: 1 unexpected: extra/,
    );
  });

  it("that is something else says what it has", () => {
    const of = (value: PickleValue) => () => readReleaseCheckpoint({ path: "x.pth", value });
    expect(of([1])).toThrow(/x\.pth: expected a dict/);
    expect(of(new Map([["state_dict", new Map()]]))).toThrow(/got the keys "state_dict"/);
    expect(of(new Map([["model", new Map([["a", 1]])]]))).toThrow(/something else as "a"/);
  });
});

/** A Python with PyTorch, where there is one. */
const python = ["python3", "/usr/bin/python3"].find((program) => {
  try {
    execFileSync(program, ["-c", "import torch"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});

/** Loads a checkpoint into PyTorch's own AdamW, takes one step along equal gradients, and saves the parameters. */
const oneStep = `
import sys, torch
saved = torch.load(sys.argv[1], weights_only=False)
groups = saved["optimizer"]["param_groups"]
named = {n: torch.nn.Parameter(t) for n, t in saved["model"].items() if "running_" not in n and "batches" not in n}
still = [n for n, p in named.items() if p.dim() == 1 or n.endswith(".bias") or "diffloss" in n]
decayed = [n for n in named if n not in still]
optimizer = torch.optim.AdamW([{"params": [named[n] for n in g]} for g in (still, decayed)])
optimizer.load_state_dict(saved["optimizer"])
assert [g["weight_decay"] for g in optimizer.param_groups] == [0.0, 0.04] and optimizer.param_groups[0]["lr"] == 1e-3
assert saved["args"].patch_size == 2 and saved["epoch"] == 7
for p in named.values():
    p.grad = torch.full_like(p, 0.01)
optimizer.step()
torch.save({n: p.detach() for n, p in named.items()}, sys.argv[2])
`;

describe("going on in PyTorch", () => {
  it.skipIf(python === undefined)("takes the same next step (only where there is a PyTorch)", async () => {
    const stepped = join(folder, "stepped.pth");
    execFileSync(python!, ["-c", oneStep, released, stepped]);
    const theirs = (await openTorchFile(stepped)).value as Map<string, TorchTensor>;
    const parameters = trainer.model.parameters();
    trainer.optimiser.step(
      parameters.map(([, tensor]) => full(tensor.shape, 0.01)),
      1e-3,
      1,
    );
    expect(theirs.size).toBe(parameters.length);
    for (const [path, tensor] of parameters) {
      const bytes = theirs.get(pytorchName(path))!.bytes();
      const expected = new Float32Array(bytes.slice().buffer);
      for (const [i, number] of tensor.toNumbers().entries())
        expect(Math.abs(number - expected[i]!), path).toBeLessThanOrEqual(
          1e-7 + 1e-6 * Math.abs(expected[i]!),
        );
    }
  });
});
