/** @file `/v1/jobs`: pictures that are asked for now and fetched later, with their progress, and a way to call them off. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { PictureGallery } from "../picture-gallery.js";
import { ApiError } from "./api-error.js";
import type { ServerContext } from "./context.js";
import { askedOf, editedOf } from "./images.js";
import { type Job, type JobFields, jobEditSchema, jobGenerationSchema, jobSchema } from "./job-protocol.js";
import type { Generation } from "./protocol.js";
import { refusals } from "./refusals.js";
import type { Asked } from "./replies.js";
import { type JobOrder, RunningJob, type Told } from "./running-job.js";

/** Finished jobs that are remembered. */
const remembered = 100;

/** Events that wait for a follower, before steps are left out. */
const mostWaiting = 64;

const json = { "application/json": { schema: jobSchema } };

const begin = createRoute({
  method: "post",
  path: "/v1/jobs",
  summary: "Begin to draw pictures of a sentence",
  request: { body: { required: true, content: { "application/json": { schema: jobGenerationSchema } } } },
  responses: { 202: { description: "It is begun, or waits.", content: json }, ...refusals },
});

const beginEdit = createRoute({
  method: "post",
  path: "/v1/jobs/edits",
  summary: "Begin to draw a part of a picture anew",
  request: { body: { required: true, content: { "multipart/form-data": { schema: jobEditSchema } } } },
  responses: { 202: { description: "It is begun, or waits.", content: json }, ...refusals },
});

const look = createRoute({
  method: "get",
  path: "/v1/jobs/{id}",
  summary: "How far a job is, and what it gave",
  responses: { 200: { description: "The job.", content: json }, ...refusals },
});

const cancel = createRoute({
  method: "delete",
  path: "/v1/jobs/{id}",
  summary: "Call a job off",
  responses: { 200: { description: "The job; what was finished before stays.", content: json }, ...refusals },
});

const follow = createRoute({
  method: "get",
  path: "/v1/jobs/{id}/events",
  summary:
    "Follow a job: its steps with their half-drawn pictures, its choices with their scores, and its end",
  responses: {
    200: {
      description: "Events as they come; first the choices so far, and the last step that showed something.",
      content: { "text/event-stream": { schema: { type: "string" } } },
    },
    ...refusals,
  },
});

export function addJobs(app: OpenAPIHono, shared: ServerContext): void {
  const { dream } = shared;
  const jobs = new Map<string, RunningJob>();
  const find = (context: Context): RunningJob => {
    const job = jobs.get(context.req.param("id") ?? "");
    if (job === undefined) throw new ApiError(404, "there is no such job, or it is not remembered any more");
    return job;
  };
  const start = (order: JobOrder, draw: Parameters<RunningJob["run"]>[1]): Job => {
    const stop = new AbortController();
    const place = shared.admission.enter(stop.signal);
    const job = new RunningJob(stop, order);
    jobs.set(job.id, job);
    for (const [id, { isOver }] of jobs) if (jobs.size > remembered && isOver) jobs.delete(id);
    void job.run(place, draw);
    return job.describe();
  };
  app.openapi(begin, (context) => {
    const request = context.req.valid("json");
    const order = orderOf(context, shared, "generation", request);
    const { options } = order.asked;
    return context.json(
      start(order, (signal) => dream.generate({ ...options, signal })),
      202,
    );
  });
  app.openapi(beginEdit, async (context) => {
    const { image, mask, keep_pixels, ...request } = context.req.valid("form");
    const order = orderOf(context, shared, "edit", request);
    const edited = await editedOf(shared, { image, mask, keep_pixels });
    const edit = { ...order.asked.options, ...edited };
    return context.json(
      start(order, (signal) => dream.edit({ ...edit, signal })),
      202,
    );
  });
  app.openapi(look, (context) => context.json(find(context).describe(), 200));
  app.openapi(cancel, (context) => {
    const job = find(context);
    job.cancel();
    return context.json(job.describe(), 200);
  });
  app.openapi(follow, (context) => {
    const job = find(context);
    return streamSSE(context, async (stream) => {
      const waiting: Told[] = [];
      let wake = (): void => {};
      const unfollow = job.follow((told) => {
        // Who reads slowly is not told every step.
        const step = waiting.findIndex(({ event }) => event === "step");
        if (waiting.length >= mostWaiting && step >= 0) waiting.splice(step, 1);
        waiting.push(told);
        wake();
      });
      stream.onAbort(() => wake());
      try {
        for (;;) {
          const told = waiting.shift();
          if (told !== undefined) {
            await stream.writeSSE({ event: told.event, data: told.text });
            if (told.event === "end") return;
          } else {
            if (stream.aborted) return;
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        }
      } finally {
        unfollow();
      }
    });
  });
}

function requireGallery(gallery: PictureGallery | null): PictureGallery {
  if (gallery !== null) return gallery;
  throw new ApiError(400, "this server has no gallery; --gallery names a folder for one", { param: "keep" });
}

/** @throws ApiError for another model, a stream, or what it does not draw */
function orderOf(
  context: Context,
  shared: ServerContext,
  kind: Asked["kind"],
  { keep, while_followed, ...request }: JobFields & Generation,
): JobOrder {
  const { limits, gallery, log } = shared;
  if (request.stream) throw new ApiError(400, "a job is followed at its events", { param: "stream" });
  return {
    asked: askedOf(context, shared, kind, request),
    followerMs: while_followed ? limits.followerMs : null,
    gallery: keep ? requireGallery(gallery) : null,
    log,
  };
}
