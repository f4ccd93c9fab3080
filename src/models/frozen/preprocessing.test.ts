import { afterEach, describe, expect, it } from "vitest";
import { copyWithJson, fixtureFolder, recorded, removeCopies } from "../../../test/frozen-folders.js";
import { DreamError } from "../../errors.js";
import { normaliseBytes, readPreparation } from "./preprocessing.js";

const folder = fixtureFolder("clip", "gelu");

describe("a picture's preparation", () => {
  afterEach(removeCopies);

  it("is what the file says", () => {
    expect(readPreparation(folder)).toEqual({
      shortestEdge: 17,
      resample: "bilinear",
      cropSize: 17,
      mean: [0.4, 0.5, 0.6],
      std: [0.2, 0.3, 0.25],
    });
  });

  it("is read from early files, with sizes as plain numbers", () => {
    expect(readPreparation(fixtureFolder("clip", "early"))).toMatchObject({
      shortestEdge: 12,
      resample: "bicubic",
      cropSize: 12,
    });
  });

  it("leaves out what is switched off", () => {
    const off = { do_resize: false, do_center_crop: false, do_normalize: false };
    expect(
      readPreparation(copyWithJson(folder, "preprocessor_config.json", (file) => ({ ...file, ...off }))),
    ).toEqual({
      shortestEdge: null,
      resample: "bilinear",
      cropSize: null,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
  });

  it.each([
    ["image_processor_type", "ViTImageProcessor"],
    ["size", { height: 17, width: 17 }],
    ["size", { shortest_edge: 17, longest_edge: 30 }],
    ["crop_size", { height: 17, width: 18 }],
    ["resample", 1],
    ["do_rescale", false],
    ["rescale_factor", 1],
    ["image_mean", [0.5]],
    ["image_std", [0.5, 0, 0.5]],
  ])("is refused by name where it is not supported: %s %j", (key, value) => {
    const copy = copyWithJson(folder, "preprocessor_config.json", (file) => ({ ...file, [key]: value }));
    expect(() => readPreparation(copy)).toThrow(DreamError);
    expect(() => readPreparation(copy)).toThrow(key);
  });

  it.each(["quick", "gelu", "early"])("ends in the very numbers of transformers: %s", (kind) => {
    const at = fixtureFolder("clip", kind);
    const got = normaliseBytes(recorded(at, "bytes"), readPreparation(at));
    expect(got.sub(recorded(at, "prepared")).abs().amax().item()).toBeLessThan(3e-7);
  });
});
