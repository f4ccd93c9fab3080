/** @file `/v1/runs`: training runs, live and past: their curves, and the grids of samples that they drew. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { WatchedRuns } from "../watched-runs.js";
import { ApiError } from "./api-error.js";
import type { ServerContext } from "./context.js";
import { refusals } from "./refusals.js";
import { curvesSchema, runsSchema } from "./studio-protocol.js";

const list = createRoute({
  method: "get",
  path: "/v1/runs",
  summary: "Training runs, live and past",
  responses: {
    200: { description: "All of them.", content: { "application/json": { schema: runsSchema } } },
    ...refusals,
  },
});

const name = z.string().min(1).max(1000).openapi({ description: "As /v1/runs tells it." });

const curves = createRoute({
  method: "get",
  path: "/v1/runs/curves",
  summary: "A run's losses, mask ratio and rates over its steps",
  request: { query: z.object({ name, points: z.coerce.number().int().min(2).max(5000).default(600) }) },
  responses: {
    200: {
      description: "At most so many points, each the mean of the steps since the one before.",
      content: { "application/json": { schema: curvesSchema } },
    },
    ...refusals,
  },
});

const sample = createRoute({
  method: "get",
  path: "/v1/runs/samples",
  summary: "A grid of samples that a run drew",
  request: { query: z.object({ name, step: z.coerce.number().int().min(0) }) },
  responses: { 200: { description: "A PNG." }, ...refusals },
});

export function addRuns(app: OpenAPIHono, shared: ServerContext): void {
  app.openapi(list, async (context) => {
    const runs = await runsOf(shared).list();
    const data = runs.map((run) => ({ ...run, samples: [...run.samples] }));
    return context.json({ object: "list" as const, data }, 200);
  });
  app.openapi(curves, async (context) => {
    const { name: run, points } = context.req.valid("query");
    const found = await runsOf(shared).curves(run, points);
    if (found === null) throw new ApiError(404, "there is no such run", { param: "name" });
    return context.json(found, 200);
  });
  app.openapi(sample, async (context) => {
    const { name: run, step } = context.req.valid("query");
    const bytes = await runsOf(shared).sample(run, step);
    if (bytes === null) throw new ApiError(404, "that run has no such grid", { param: "step" });
    return context.body(new Uint8Array(bytes), 200, { "content-type": "image/png" });
  });
}

function runsOf({ runs }: ServerContext): WatchedRuns {
  if (runs !== null) return runs;
  throw new ApiError(404, "this server watches no runs; --runs names their folder");
}
