/** @file One row of the bench of costs, in a process of its own. Argument: a point as JSON. */
import { availableParallelism } from "node:os";
import { tokenCount } from "../src/models/dream/config.js";
import { setThreadCount } from "../src/tensor/index.js";
import type { CostPoint, CostRow } from "./costs.js";
import { choiceStep, drawnWith } from "./generate-cases.js";
import { drawSeconds, randomEngine } from "./timed-drawing.js";

/** No further drawing is begun after so long. */
const enoughMs = 10_000;

const { size, side, steps, batch, candidates }: CostPoint = JSON.parse(process.argv[2]!);
setThreadCount(availableParallelism());
const config = drawnWith(size);
const engine = randomEngine({ ...config, latent: { ...config.latent, side } }, "float32", "cpu");
const tokens = tokenCount(engine.model.config);
// What an engine keeps is there before the clock starts.
drawSeconds(engine, { batch, candidates: 1, atStep: 0 }, 2);
const drawing = { batch, candidates, atStep: choiceStep(tokens, steps) };
const times: number[] = [];
const started = performance.now();
do times.push(drawSeconds(engine, drawing, steps));
while (times.length < 9 && performance.now() - started < enoughMs);
const seconds = times.sort((a, b) => a - b)[times.length >> 1]!;
const megabytes = process.resourceUsage().maxRSS / 1024;
const row: Pick<CostRow, "tokens" | "seconds" | "megabytes"> = { tokens, seconds, megabytes };
process.stdout.write(JSON.stringify(row));
