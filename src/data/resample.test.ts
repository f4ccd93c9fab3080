import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Picture } from "../formats/images.js";
import { openSafetensors } from "../formats/safetensors.js";
import { packageRoot } from "../tensor/native.js";
import { centreCrop, roundHalfEven } from "./centre-crop.js";
import { flipped, resizedCrop } from "./random-resized-crop.js";
import { type KernelName, resample } from "./resample.js";

const fixture = openSafetensors(join(packageRoot(), "test/fixtures/pictures/resampling.safetensors"));

type Case = { readonly name: string } & (
  | { readonly kind: "centre-crop"; readonly side: number }
  | { readonly kind: "resize"; readonly kernel: KernelName; readonly width: number; readonly height: number }
  | {
      readonly kind: "part";
      readonly left: number;
      readonly top: number;
      readonly width: number;
      readonly height: number;
      readonly side: number;
    }
);

function pictureOf(name: string): Picture {
  const { shape, bytes } = fixture.tensors.get(name)!;
  return { height: shape[0]!, width: shape[1]!, data: bytes() };
}

function made(input: Picture, one: Case): Picture {
  if (one.kind === "centre-crop") return centreCrop(input, one.side);
  if (one.kind === "part") return resizedCrop(input, one, one.side);
  const { width, height } = one;
  const from = { left: 0, top: 0, width: input.width, height: input.height };
  return resample(input, from, [one], { left: 0, top: 0, width, height });
}

describe("resampling", () => {
  it.each(JSON.parse(fixture.metadata.cases!) as Case[])("$name is Pillow's, bit for bit", (one) => {
    const expected = pictureOf(`${one.name}.out`);
    const got = made(pictureOf(`${one.name}.in`), one);
    expect([got.width, got.height]).toEqual([expected.width, expected.height]);
    expect(Buffer.from(got.data).equals(Buffer.from(expected.data))).toBe(true);
  });

  it("of a window is the window of the whole", () => {
    const input = pictureOf("crop-131x70-16.in");
    const steps = [
      { width: 60, height: 33, kernel: "box" },
      { width: 47, height: 51, kernel: "lanczos" },
    ] as const;
    const from = { left: 0, top: 0, width: 131, height: 70 };
    const whole = resample(input, from, steps, { left: 0, top: 0, width: 47, height: 51 });
    const window = { left: 5, top: 9, width: 13, height: 30 };
    expect(resample(input, from, steps, window)).toEqual(
      resample(whole, { ...window }, [], { ...window, left: 0, top: 0 }),
    );
  });

  it("rounds halves to even numbers, as Python does", () => {
    expect([0.5, 1.5, 2.5, 2.4999, 3.7].map(roundHalfEven)).toEqual([0, 2, 2, 2, 4]);
  });
});

describe("a mirror image", () => {
  it("has its columns the other way round", () => {
    const data = Uint8Array.from([1, 2, 3, 4, 5, 6]);
    expect([...flipped({ width: 2, height: 1, data }).data]).toEqual([4, 5, 6, 1, 2, 3]);
    const input = pictureOf("crop-37x29-16.in");
    expect(flipped(flipped(input))).toEqual(input);
  });
});
