/** @file A model at rest while it is measured: no dropout, running statistics, no gradients. */
import type { DreamModel } from "../models/dream/dream.js";
import { noGrad, scope } from "../tensor/index.js";

/** Runs `body` with the model at rest, and puts it back as it was. */
export function atRest<T>(model: DreamModel, body: () => T): T {
  const before = model.mode;
  model.setMode("eval");
  try {
    return noGrad(() => scope(body));
  } finally {
    model.setMode(before);
  }
}
