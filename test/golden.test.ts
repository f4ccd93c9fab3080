import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openSafetensors } from "../src/formats/safetensors.js";
import { checkGolden } from "../src/golden/check.js";

const recordings = join(dirname(fileURLToPath(import.meta.url)), "golden");

/** A copy of the recordings in which one number of one file is another. */
function disturbed(file: string, tensor: string, change: (bytes: Buffer) => void): string {
  const folder = mkdtempSync(join(tmpdir(), "dream-golden-"));
  cpSync(recordings, folder, { recursive: true });
  const path = join(folder, file);
  const data = readFileSync(path);
  const headerBytes = Number(data.readBigUInt64LE(0));
  const header = JSON.parse(data.toString("utf8", 8, 8 + headerBytes)) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const [begin, end] = header[tensor]!.data_offsets;
  change(data.subarray(8 + headerBytes + begin, 8 + headerBytes + end));
  writeFileSync(path, data);
  return folder;
}

const addTenth = (bytes: Buffer, at = 0): void => {
  bytes.writeFloatLE(bytes.readFloatLE(at) + 0.1, at);
};
const addOne = (bytes: Buffer): void => {
  bytes.writeBigInt64LE(bytes.readBigInt64LE(0) + 1n, 0);
};

describe("the recordings of the original", () => {
  it("are reproduced, all of them", () => {
    const { checks, failed, skipped, worst } = checkGolden(recordings);
    expect(failed).toEqual([]);
    expect(skipped).toEqual([]);
    expect(checks.length).toBeGreaterThan(500);
    expect(worst!.error).toBeLessThan(0.5);
    expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
  });

  const weights = openSafetensors(join(recordings, "t1_weights.safetensors"));
  // One tensor of each kind: blocks and layers of one name count as one.
  const kinds = new Map([...weights.tensors.keys()].map((name) => [name.replace(/\.\d+\./g, ".#."), name]));

  it.each([...kinds.values()])("are not, where one number of weight %s is another", (name) => {
    const isInteger = weights.tensors.get(name)!.dtype === "I64";
    // A key's bias adds the same to all scores of a query, which softmax undoes; the last number is a value's bias.
    const last = (bytes: Buffer): void => addTenth(bytes, bytes.length - 4);
    const change = /kv\.bias$/.test(name) ? last : addTenth;
    const folder = disturbed("t1_weights.safetensors", name, isInteger ? addOne : (bytes) => change(bytes));
    expect(checkGolden(folder).failed.length).toBeGreaterThan(0);
    rmSync(folder, { recursive: true });
  });

  it.each(["out.dec.z", "out.sad.best", "out.gen.mask_pred", "out.train.A.row_vb"])(
    "fail where the recorded %s is another",
    (name) => {
      const isInteger =
        openSafetensors(join(recordings, "t1_cases.safetensors")).tensors.get(name)!.dtype === "I64";
      const folder = disturbed("t1_cases.safetensors", name, isInteger ? addOne : addTenth);
      expect(checkGolden(folder).failed.map((check) => check.name)).toEqual([name]);
      rmSync(folder, { recursive: true });
    },
  );

  it("may be fewer: what is not there is not checked", () => {
    const folder = mkdtempSync(join(tmpdir(), "dream-golden-"));
    cpSync(recordings, folder, { recursive: true });
    const path = join(folder, "t1_golden.json");
    const json = JSON.parse(readFileSync(path, "utf8")) as {
      files: Record<string, string>;
      notes: Record<string, unknown>;
    };
    json.files = { weights: json.files.weights!, cases: json.files.cases! };
    json.notes = {};
    rmSync(path);
    writeFileSync(join(folder, "other_golden.json"), JSON.stringify(json));
    const { failed, skipped } = checkGolden(folder);
    expect(failed).toEqual([]);
    // Decodings cannot be run without their settings, nor optimiser steps without gradients.
    const results = skipped.filter((reason) => reason.startsWith("out."));
    expect(
      results.every((reason) => /^out\.(gen\d?|sad|each|optim)\b.*: nothing here computes it$/.test(reason)),
    ).toBe(true);
    for (const kind of ["plain", "critic once", "masking", "grads", "diffusion_tables"])
      expect(skipped).toContain(`${kind}: not recorded`);
    expect(skipped.length).toBeGreaterThan(0);
    rmSync(folder, { recursive: true });
  });

  it("that are not there or are two are named", () => {
    expect(() => checkGolden("/nonexistent")).toThrow(/\/nonexistent/);
    expect(() => checkGolden(dirname(recordings))).toThrow(/one file \*_golden\.json/);
  });
});
