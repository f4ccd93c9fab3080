import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tinyModel, tinyTraining } from "../../test/tiny.js";
import type { SafetensorsSource } from "../formats/safetensors.js";
import { noGrad } from "../tensor/index.js";
import { loadCheckpoint } from "./checkpoint.js";
import { checkpointNames, cleanCheckpoints, setAside, writeCheckpoint } from "./checkpoint-folder.js";
import { findCheckpoint } from "./checkpoint-reader.js";
import { CheckpointStore } from "./checkpoint-store.js";
import { Trainer } from "./trainer.js";

const notes = { recipe: { seed: 7 }, recipeHash: "abc", processes: 1 };
const freshTrainer = (): Trainer => new Trainer(tinyModel(), tinyTraining, 4);

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "dream-store-")), "checkpoints");
});

describe("the store", () => {
  let store: CheckpointStore;
  let trainer: Trainer;
  const open = (place = folder): void => {
    trainer = freshTrainer();
    store = new CheckpointStore(trainer, { folder: place, kept: 2, notes });
  };
  const setScale = (value: number): void => noGrad(() => void trainer.model.logitScale.fill_(value));
  const savedScale = async (): Promise<number> => {
    const other = freshTrainer();
    loadCheckpoint((await findCheckpoint(folder)).newest!, other);
    return other.model.logitScale.item();
  };
  afterEach(() => store.close());

  it("keeps the last few, and a link to the newest", async () => {
    open();
    for (const step of [5, 10, 100_000_000]) {
      trainer.optimiser.stepCount = step - 1;
      await store.save(step);
    }
    await store.flush();
    expect(readdirSync(folder).sort()).toEqual(["latest", "step-00000010", "step-100000000"]);
    expect(readlinkSync(join(folder, "latest"))).toBe("step-100000000");
    const { newest, damaged } = await findCheckpoint(folder);
    expect(damaged).toEqual([]);
    expect(newest!.notes).toMatchObject({ step: 100_000_000, optimiserSteps: 99_999_999, ...notes });
    expect(loadCheckpoint(newest!, trainer)).toBe(100_000_000);
  });

  it("saves the state as it was when asked, whatever training does meanwhile", async () => {
    open();
    setScale(1.5);
    await store.save(1);
    expect(store.isWriting).toBe(true);
    setScale(2.5);
    await store.flush();
    expect(store.isWriting).toBe(false);
    expect(await savedScale()).toBe(1.5);
    await store.save(2);
    await store.flush();
    expect(await savedScale()).toBe(2.5);
  });

  it("writes while the main thread answers nobody", async () => {
    open();
    await store.save(1);
    const until = performance.now() + 10_000;
    while (!existsSync(join(folder, "step-00000001")) && performance.now() < until);
    expect(checkpointNames(folder)).toEqual(["step-00000001"]);
  });

  it("tells of what it could not write, and writes nothing more", async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, "file"), "in the way");
    open(join(folder, "file", "checkpoints"));
    store.check();
    await store.save(3);
    await expect(store.flush()).rejects.toThrow(/^write .*step-00000003: ENOTDIR/);
    expect(() => store.check()).toThrow(/ENOTDIR/);
    await expect(store.save(4)).rejects.toThrow(/ENOTDIR/);
  });
});

const source = (value: number): SafetensorsSource[] => [
  { name: "x", dtype: "U8", shape: [1000], bytes: () => new Uint8Array(1000).fill(value) },
];
const write = (step: number) =>
  writeCheckpoint(folder, source(step), { ...notes, step, optimiserSteps: step });
const stateOf = (step: number): string => join(folder, `step-0000000${step}`, "state.safetensors");
const notesOf = (step: number): string => join(folder, `step-0000000${step}`, "checkpoint.json");

/** One bit, in the middle of a file. */
function flip(path: string): void {
  const bytes = readFileSync(path);
  const middle = bytes.length >> 1;
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, Buffer.of(bytes[middle]! ^ 1), 0, 1, middle);
  closeSync(descriptor);
}

describe("a damaged checkpoint", () => {
  beforeEach(async () => {
    await write(1);
    await write(2);
  });

  it.each([
    ["cut short", () => truncateSync(stateOf(2), 900), /state\.safetensors: expected 1\d+ bytes, got 900/],
    ["with one bit turned", () => flip(stateOf(2)), /state\.safetensors: expected SHA-256 [0-9a-f]{16}/],
    ["without its state", () => rmSync(stateOf(2)), /state\.safetensors: .*no such file/],
    ["without its notes", () => rmSync(notesOf(2)), /checkpoint\.json: ENOENT/],
    ["with half of its notes", () => truncateSync(notesOf(2), 60), /checkpoint\.json: .*JSON/],
    ["with other notes", () => writeFileSync(notesOf(2), '{"step":-1}'), /checkpoint\.json: .*step/s],
  ])("%s is named, and the one before it used", async (_, damage, reason) => {
    damage();
    const { newest, damaged } = await findCheckpoint(folder);
    expect(newest!.notes.step).toBe(1);
    expect(damaged.map(({ name }) => name)).toEqual(["step-00000002"]);
    expect(damaged[0]!.reason).toMatch(reason);
  });

  it("is an error where none is whole, with all of them named; none at all is none", async () => {
    flip(stateOf(1));
    truncateSync(stateOf(2), 900);
    await expect(findCheckpoint(folder)).rejects.toThrow(
      /expected a whole checkpoint, got only damaged ones: step-00000002 \(.*got 900\); step-00000001 \(.*SHA-256.*remove the folder/s,
    );
    expect(await findCheckpoint(join(folder, "elsewhere"))).toEqual({ newest: null, damaged: [] });
  });

  it("is set aside once, and then neither counts nor stands in the way", async () => {
    for (const _ of [1, 2]) {
      flip(stateOf(2));
      expect(await setAside(folder, "step-00000002")).toBe("damaged-step-00000002");
      expect(checkpointNames(folder)).toEqual(["step-00000001"]);
      await write(2);
    }
    expect((await findCheckpoint(folder)).newest!.notes.step).toBe(2);
  });
});

describe("what a killed writer leaves", () => {
  it("is no checkpoint, and is cleaned away; a link that names nothing is not followed", async () => {
    await write(1);
    const partial = join(folder, ".step-00000002.partial");
    mkdirSync(partial);
    writeFileSync(join(partial, "state.safetensors.1.partial"), "half");
    symlinkSync("step-00000002", join(folder, ".latest.partial"));
    rmSync(join(folder, "latest"));
    symlinkSync("step-00000009", join(folder, "latest"));
    const { newest, damaged } = await findCheckpoint(folder);
    expect([newest!.notes.step, damaged]).toEqual([1, []]);
    await cleanCheckpoints(folder);
    expect(readdirSync(folder).sort()).toEqual(["latest", "step-00000001"]);
    await write(2);
    expect(readlinkSync(join(folder, "latest"))).toBe("step-00000002");
  });

  it("goes when the same step is written again", async () => {
    const partial = join(folder, ".step-00000002.partial");
    mkdirSync(partial, { recursive: true });
    writeFileSync(join(partial, "other"), "half");
    await write(2);
    expect(readdirSync(join(folder, "step-00000002")).sort()).toEqual([
      "checkpoint.json",
      "state.safetensors",
    ]);
  });
});
