/** @file How many pictures a model draws in a second, its choice among candidates included. */
import type { Measure } from "./measurement.js";

export const drawingSpeedMeasure: Measure = {
  name: "drawing-speed",
  title: "Pictures drawn in a second",
  unit: "pictures/s",
  better: "higher",
  of: "drawings",
  lacks: ({ drawings }) => (drawings === null ? "a model that draws" : null),
  run: async ({ drawings }) => {
    const { drawn, seconds } = await drawings!();
    return {
      value: drawn.length / seconds,
      interval: null,
      samples: drawn.length,
      outcomes: null,
      details: { seconds },
    };
  },
};
