/** @file `/v1/jobs`: pictures that are asked for now and fetched later, with their progress, and a way to call them off. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { PictureGallery } from "../picture-gallery.js";
import { ApiError } from "./api-error.js";
import type { ServerContext } from "./context.js";
import { keptAs, optionsOf } from "./drawing-request.js";
import { addressIn } from "./images.js";
import { type Job, jobEditSchema, jobGenerationSchema, jobSchema } from "./job-protocol.js";
import { requireModel } from "./models.js";
import { bytesOf, checkPicture } from "./picture-data.js";
import type { Generation } from "./protocol.js";
import { refusals } from "./refusals.js";
import { type JobOrder, RunningJob, type Told } from "./running-job.js";

/** Finished jobs that are remembered. */
const remembered = 100;

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
  const jobs = new Map<string, RunningJob>();
  const find = (context: Context): RunningJob => {
    const job = jobs.get(context.req.param("id") ?? "");
    if (job === undefined) throw new ApiError(404, "there is no such job, or it is not remembered any more");
    return job;
  };
  const start = (order: JobOrder): Job => {
    const job = new RunningJob(order);
    const place = shared.admission.enter(job.stopped);
    jobs.set(job.id, job);
    for (const [id, { isOver }] of jobs) if (jobs.size > remembered && isOver) jobs.delete(id);
    void job.run(shared, place);
    return job.describe();
  };
  app.openapi(begin, (context) => {
    const request = context.req.valid("json");
    const { options, ...common } = commonOrder(context, shared, request);
    const draw: JobOrder["draw"] = (model, signal) => model.generate({ ...options, signal });
    return context.json(start({ ...common, options, isEdit: false, draw }), 202);
  });
  app.openapi(beginEdit, async (context) => {
    const { image, mask, keep_pixels, ...request } = context.req.valid("form");
    const { options, ...common } = commonOrder(context, shared, request);
    const [picture, marked] = await Promise.all([bytesOf(image), bytesOf(mask)]);
    await checkPicture(picture, "image", shared.limits.pixels);
    await checkPicture(marked, "mask", shared.limits.pixels);
    const draw: JobOrder["draw"] = (model, signal) =>
      model.edit({ ...options, image: picture, mask: marked, keep: keptAs(keep_pixels), signal });
    return context.json(start({ ...common, options, isEdit: true, draw }), 202);
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
        waiting.push(told);
        wake();
      });
      stream.onAbort(() => wake());
      try {
        for (;;) {
          const told = waiting.shift();
          if (told !== undefined) {
            await stream.writeSSE({ event: told.event, data: JSON.stringify(told.data) });
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
function commonOrder(
  context: Context,
  shared: ServerContext,
  {
    keep,
    while_followed,
    ...asked
  }: Generation & { readonly keep: boolean; readonly while_followed: boolean },
): Omit<JobOrder, "draw" | "isEdit"> {
  requireModel(shared, asked.model);
  if (asked.stream) throw new ApiError(400, "a job is followed at its events", { param: "stream" });
  return {
    options: optionsOf(shared.dream, asked),
    encoding: asked,
    followerMs: while_followed ? shared.limits.followerMs : null,
    gallery: keep ? requireGallery(shared.gallery) : null,
    address: addressIn(context, shared),
  };
}
