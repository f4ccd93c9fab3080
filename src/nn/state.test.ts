import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tinyConfig, tinyModel } from "../../test/tiny.js";
import { DreamModel } from "../models/dream/dream.js";
import { pytorchState } from "../models/dream/pytorch-names.js";
import { loadState, stateFile, stateInMemory, writeState } from "./index.js";

describe("state", () => {
  it("goes through a file and comes back to the bit", async () => {
    const model = tinyModel();
    const path = join(mkdtempSync(join(tmpdir(), "dream-state-")), "model.safetensors");
    await writeState(path, pytorchState(model));
    const other = new DreamModel(tinyConfig);
    loadState(pytorchState(other), stateFile(path));
    const loaded = new Map(pytorchState(other));
    for (const [name, tensor] of pytorchState(model))
      expect(loaded.get(name)!.toNumbers(), name).toEqual(tensor.toNumbers());
  });

  it("that does not fit is refused whole, with every missing, unexpected and misshapen key", () => {
    const source = pytorchState(
      tinyModel({ ...tinyConfig, encoder: { ...tinyConfig.encoder, mlpWidth: 48 }, alignerDepth: 0 }),
    );
    const target = tinyModel();
    const before = pytorchState(target).map(([, tensor]) => tensor.toNumbers());
    const wrong = () =>
      loadState(
        pytorchState(target),
        stateInMemory("other.safetensors", [...source, ["extra", source[0]![1]]]),
      );
    expect(wrong).toThrow(
      /load other\.safetensors: 12 missing: text_aligner\.0\..*; 1 unexpected: extra; 6 expected: encoder_blocks\.0\.mlp\.fc1\.weight \[64, 32\] but found \[48, 32\]/,
    );
    expect(pytorchState(target).map(([, tensor]) => tensor.toNumbers())).toEqual(before);
  });
});
