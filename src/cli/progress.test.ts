import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { clock, Progress } from "./progress.js";

it("counts what is whole, shares what is not, and is silent between lines", () => {
  const stream = new PassThrough();
  const progress = new Progress("Drawing", stream as unknown as NodeJS.WriteStream);
  progress.update(0.25, 4);
  progress.update(2.5, 4);
  progress.update(4, 4, "at last");
  expect(stream.read()?.toString()).toBe("Drawing 0/4 (6%)\nDrawing 4/4 (100%)  at last\n");
});

it("tells seconds as minutes and hours", () => {
  expect([0, 59.6, 125, 3599.4, 3661, 360_000].map(clock)).toEqual([
    "0:00",
    "1:00",
    "2:05",
    "59:59",
    "1:01:01",
    "100:00:00",
  ]);
});
