import { describe, expect, it } from "vitest";
import { DreamError, unknownName } from "./errors.js";

describe("an error", () => {
  it("is a sentence of what was expected, what was found, and what to do", () => {
    const error = new DreamError("shape", {
      operation: "patchify",
      expected: "[B, C, H, W]",
      got: "[3]",
      hint: "add a batch axis",
    });
    expect(error.message).toBe("patchify: expected [B, C, H, W], got [3]. Add a batch axis");
    expect(error).toMatchObject({ name: "DreamError", code: "shape", operation: "patchify" });
  });

  it("about an unknown name lists the known, nearest first", () => {
    const error = unknownName("read recipe", "recipe", "sceens-nano", ["clip", "scenes-nano"]);
    expect(error.message).toBe(
      'read recipe: expected a known recipe (scenes-nano, clip), got "sceens-nano". Did you mean "scenes-nano"?',
    );
  });
});
