import { describe, expect, it } from "vitest";
import recorded from "../../test/fixtures/evaluate/drawings.json" with { type: "json" };
import { stateFile } from "../nn/index.js";
import { Generator, liveTensorCount, randn } from "../tensor/index.js";
import { coverage } from "./coverage.js";

const features = stateFile("test/fixtures/evaluate/drawings.safetensors");
const [real, drawn] = [features.read("real"), features.read("drawn")];

describe("precision and recall", () => {
  it.each([3, 1] as const)("are what numpy counts one by one, to neighbour %i", (neighbour) => {
    const { precision, recall, drawnWithin } = coverage(real, drawn, neighbour);
    expect(precision).toBeCloseTo(recorded.coverage[neighbour][0]!, 12);
    expect(recall).toBeCloseTo(recorded.coverage[neighbour][1]!, 12);
    expect(drawnWithin.length).toBe(50);
    expect(drawnWithin.reduce((sum, one) => sum + one, 0) / 50).toBe(precision);
  });

  it("are the same in windows as all at once", () => {
    // More than are looked at a time, on both sides.
    const random = Generator.fromSeed(2);
    const [n, m] = [1100, 1050];
    const [a, b] = [randn([n, 2], { generator: random }), randn([m, 2], { generator: random }).add(1)];
    const points = (flat: readonly number[]): [number, number][] =>
      Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);
    const [ours, theirs] = [points(a.toNumbers()), points(b.toNumbers())];
    const square = (p: [number, number], q: [number, number]) => (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2;
    const reach = ours.map((p) => ours.map((q) => square(p, q)).sort((x, y) => x - y)[3]!);
    const within = theirs.map((p) => Number(ours.some((q, i) => square(p, q) <= reach[i]!)));
    expect(coverage(a, b, 3).drawnWithin).toEqual(within);
  });

  it("are whole for the same pictures, and none for pictures far away", () => {
    expect(coverage(real, real, 3)).toMatchObject({ precision: 1, recall: 1 });
    expect(coverage(real, real.add(1000), 3)).toMatchObject({ precision: 0, recall: 0 });
  });

  it("fall apart where only one place is drawn: precise, and of little recall", () => {
    const one = real.narrow(0, 0, 1).repeat([50, 1]);
    const { precision, recall } = coverage(real, one, 3);
    expect(precision).toBe(1);
    expect(recall).toBeLessThan(0.05);
  });

  it("need more pictures than neighbours, and leave nothing behind", () => {
    expect(() => coverage(real.narrow(0, 0, 3), drawn, 3)).toThrow(/more than 3 real pictures, got 3/);
    expect(() => coverage(real, drawn.narrow(0, 0, 2), 3)).toThrow(/more than 3 drawn pictures, got 2/);
    const before = liveTensorCount();
    coverage(real, drawn, 3);
    expect(liveTensorCount()).toBe(before);
  });
});
