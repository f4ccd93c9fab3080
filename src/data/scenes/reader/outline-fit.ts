/** @file Which shape covers a patch's pixels best: each is fitted by place, radius and turn, and the least misfit wins. */
import { coverageAt, type Outline } from "../render.js";
import { type Shape, shapes } from "../vocabulary.js";
import type { Coverage } from "./matte.js";

export interface FittedOutline extends Outline {
  /** Coverage that the outline and the picture disagree about, in shares of the outline's area. */
  readonly misfit: number;
}

/** The most that objects are turned. */
const mostTurn = 0.2;
const refinements = 5;

/** The best outline of each shape, in shares of the picture's side, the best first. @param side of the picture in pixels */
export function fitOutlines(coverage: Coverage, side: number): FittedOutline[] {
  return shapes.map((shape) => fitShape(shape, coverage, side)).sort((a, b) => a.misfit - b.misfit);
}

function fitShape(shape: Shape, coverage: Coverage, side: number): FittedOutline {
  const { left, top, width, share } = coverage;
  let [area, sumX, sumY] = [0, 0, 0];
  for (const [i, value] of share.entries()) {
    area += value;
    sumX += value * (left + (i % width) + 0.5);
    sumY += value * (top + Math.floor(i / width) + 0.5);
  }
  // Circles and squares of one radius have one area, pi r r; a triangle's is 1.87 r r.
  const radius = Math.sqrt(area / (shape === "triangle" ? 1.87 : Math.PI)) / side;
  let best: Outline = { shape, x: sumX / area / side, y: sumY / area / side, radius, rotation: 0 };
  let least = squaredError(best, coverage, side);
  const steps = { x: 1 / side, y: 1 / side, radius: 1 / side, rotation: shape === "circle" ? 0 : 0.1 };
  for (let refinement = 0; refinement < refinements; refinement++) {
    for (let moved = true; moved; ) {
      moved = false;
      for (const key of ["x", "y", "radius", "rotation"] as const)
        for (const step of [steps[key], -steps[key]]) {
          if (step === 0) continue;
          const tried: Outline = { ...best, [key]: best[key] + step };
          if (tried.radius <= 0 || Math.abs(tried.rotation) > mostTurn) continue;
          const error = squaredError(tried, coverage, side);
          if (error >= least - 1e-9) continue;
          [best, least, moved] = [tried, error, true];
        }
    }
    for (const key of ["x", "y", "radius", "rotation"] as const) steps[key] /= 2;
  }
  return { ...best, misfit: misfitOf(best, coverage, side) };
}

function squaredError(outline: Outline, coverage: Coverage, side: number): number {
  let sum = 0;
  forEachKnown(outline, coverage, side, (expected, found) => {
    sum += (expected - found) ** 2;
  });
  return sum;
}

function misfitOf(outline: Outline, coverage: Coverage, side: number): number {
  let [apart, area] = [0, 0];
  forEachKnown(outline, coverage, side, (expected, found) => {
    apart += Math.abs(expected - found);
    area += expected;
  });
  return area === 0 ? Number.POSITIVE_INFINITY : apart / area;
}

function forEachKnown(
  outline: Outline,
  { left, top, width, height, share, known }: Coverage,
  side: number,
  visit: (expected: number, found: number) => void,
): void {
  const pixel = 1 / side;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (known[at] === 0) continue;
      visit(coverageAt(outline, (left + x + 0.5) * pixel, (top + y + 0.5) * pixel, pixel), share[at]!);
    }
}
