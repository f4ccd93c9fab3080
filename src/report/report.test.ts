import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { averaged, escapeHtml, lineChart, ticks } from "./charts.js";

describe("charts", () => {
  it("have round ticks inside their range, at least two", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e4, max: 1e4, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e4, noNaN: true }),
        (low, span) => {
          const found = ticks(low, low + span);
          expect(found.length).toBeGreaterThanOrEqual(2);
          expect(found.length).toBeLessThanOrEqual(12);
          for (const tick of found) {
            expect(tick).toBeGreaterThanOrEqual(low - span * 1e-6);
            expect(tick).toBeLessThanOrEqual(low + span * (1 + 1e-6));
          }
        },
      ),
    );
  });

  it("put every point inside the frame", () => {
    const points = Array.from({ length: 50 }, (_, i) => [i, Math.sin(i) * 3] as const);
    const svg = lineChart({
      title: "a < b",
      xLabel: "step",
      series: [{ name: "one", colour: "red", points }],
    });
    const [, drawn = ""] = /polyline points="([^"]+)"/.exec(svg) ?? [];
    const places = drawn.split(" ").map((pair) => pair.split(",").map(Number) as [number, number]);
    expect(places).toHaveLength(50);
    for (const [x, y] of places) {
      expect(x).toBeGreaterThanOrEqual(48);
      expect(x).toBeLessThanOrEqual(428);
      expect(y).toBeGreaterThanOrEqual(34);
      expect(y).toBeLessThanOrEqual(200);
    }
    expect(svg).toContain("a &lt; b");
  });

  it("average long series to so many points, keeping their mean", () => {
    const points = Array.from({ length: 1000 }, (_, i) => [i, i % 7] as const);
    const short = averaged(points, 100);
    expect(short).toHaveLength(100);
    expect(short.reduce((sum, [, y]) => sum + y, 0) / 100).toBeCloseTo(2.997, 2);
    expect(escapeHtml('<a href="x">&')).toBe("&lt;a href=&quot;x&quot;&gt;&amp;");
  });
});
