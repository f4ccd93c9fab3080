import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { relativeError } from "../../../test/parity.js";
import { stateFile } from "../../nn/index.js";
import { liveTensorCount, type Tensor, tensor, zeros } from "../../tensor/index.js";
import { Inception } from "./inception.js";
import { inceptionInput } from "./inception-input.js";

const fixtures = "test/fixtures/inception";

/** The pictures that the fixtures' script computes by the same formula. */
function pictures(batch: number, height: number, width: number): Tensor {
  const bytes = new Uint8Array(batch * 3 * height * width);
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let c = 0; c < 3; c++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          bytes[at++] =
            Math.floor((y * y) / 7) + Math.floor((3 * x * y) / 11) + Math.floor((29 * c * x) / 5) + 41 * b;
  return tensor(bytes, [batch, 3, height, width], { dtype: "uint8" });
}

/** As in the fixtures' script. */
const cases: readonly [divisor: number, batch: number, height: number, width: number][] = [
  [16, 2, 40, 56],
  [20, 1, 17, 64],
  [40, 1, 340, 310],
];

function narrow(divisor: number): Inception {
  return Inception.from(stateFile(join(fixtures, `${divisor}.safetensors`)), { divisor });
}

describe("the Inception network computes what torch-fidelity computes", () => {
  it.each(cases)("with widths divided by %d, of %d pictures of %d x %d", (divisor, ...size) => {
    const expected = stateFile(join(fixtures, `${divisor}.expected.safetensors`));
    const images = pictures(...size);
    const input = inceptionInput(images);
    expect(input.shape).toEqual([size[0], 3, 299, 299]);
    expect(input.slice(2, 0, null, 23).slice(3, 0, null, 19).toNumbers()).toEqual(
      expected.read("input").toNumbers(),
    );
    const { pool, logits } = narrow(divisor).forward(images);
    expect(relativeError(pool, expected.read("pool"))).toBeLessThan(1e-5);
    expect(relativeError(logits, expected.read("logits"))).toBeLessThan(1e-5);
  });
});

describe("the Inception network", () => {
  it("has the published network's widths", () => {
    const model = new Inception(1, "meta");
    expect(model.classes.weight.shape).toEqual([1008, 2048]);
    const parameters = [...model.namedTensors()].filter(([name]) => !name.includes("running"));
    // torchvision's 23,834,568 without the auxiliary classifier, with 1,008 classes for 1,000 and no bias.
    expect(parameters.reduce((sum, [, { elementCount }]) => sum + elementCount, 0)).toBe(23_849_952);
  });

  it("keeps a picture that has its size as it is", () => {
    const images = pictures(1, 299, 299);
    expect(inceptionInput(images).mul(128).add(128).to({ dtype: "uint8" }).toNumbers()).toEqual(
      images.toNumbers(),
    );
  });

  it("gives each picture the same features alone and in a batch", () => {
    const model = narrow(20);
    const both = pictures(2, 32, 32);
    const { pool } = model.forward(both);
    expect(relativeError(model.forward(both.narrow(0, 1, 1)).pool, pool.narrow(0, 1, 1))).toBeLessThan(1e-6);
  });

  it("holds no more tensors after it has run than its results", () => {
    const model = narrow(40);
    const images = pictures(1, 20, 20);
    const before = liveTensorCount();
    model.forward(images);
    expect(liveTensorCount() - before).toBe(2);
  });

  it("refuses anything but pictures, and another network's weights", () => {
    const model = narrow(40);
    expect(() => model.forward(zeros([1, 3, 8, 8]))).toThrow(
      /uint8 \[B, 3, H, W\], got .*float32\[1, 3, 8, 8\]/,
    );
    expect(() => model.forward(zeros([3, 8, 8], { dtype: "uint8" }))).toThrow(/got .*uint8\[3, 8, 8\]/);
    const weights = stateFile(join(fixtures, "40.safetensors"));
    expect(() => Inception.from(weights)).toThrow(
      /Conv2d_1a_3x3\.conv\.weight \[32, 3, 3, 3\] but found \[1, 3, 3, 3\]/,
    );
  });
});
