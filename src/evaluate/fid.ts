/**
 * @file FID (Heusel et al., 2017): the Fréchet distance in the pooled features of Inception, and in no others. The reference are the pictures
 * of the very samples whose captions were drawn (SPEC section 12), or statistics that stand in for them.
 */
import { DreamError } from "../errors.js";
import { scope } from "../tensor/index.js";
import { statisticsOf } from "./feature-statistics.js";
import { frechetDistance } from "./frechet.js";
import { drawnFeatures, realFeatures } from "./inception-features.js";
import type { Measure } from "./measurement.js";

export const fidMeasure: Measure = {
  name: "fid",
  title: "FID of drawings",
  unit: "distance",
  better: "lower",
  of: "drawings",
  lacks: ({ drawings, judges }) => {
    if (drawings === null) return "a model that draws";
    return judges.inception === null ? "the weights of the Inception network" : null;
  },
  run: async ({ data, drawings, judges }) => {
    const { reference } = judges;
    const inception = judges.inception!;
    // Before anything is drawn.
    const width = inception.classes.weight.size(1);
    if (reference !== null && reference.mean.size(0) !== width)
      throw new DreamError("shape", {
        operation: "measure FID",
        expected: `reference statistics of Inception's ${width} features`,
        got: String(reference.mean.size(0)),
      });
    const { drawn } = await drawings!();
    const real = reference === null ? await realFeatures(inception, data.test, drawn) : null;
    const value = scope(() =>
      frechetDistance(reference ?? statisticsOf(real!), statisticsOf(drawnFeatures(inception, drawn).pool)),
    );
    return {
      value,
      interval: null,
      samples: drawn.length,
      outcomes: null,
      details: { reference: reference === null ? data.test.name : "statistics" },
    };
  },
};
