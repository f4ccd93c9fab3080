/** @file `/v1/jobs`: pictures that are asked for now and fetched later, with their progress, and a way to call them off. */
import { randomUUID } from "node:crypto";
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { z } from "zod";
import type { GenerateOptions } from "../dream.js";
import type { DrawingProgress } from "../engine/protocol.js";
import type { Picture } from "../formats/images.js";
import type { Place } from "./admission.js";
import { ApiError, asApiError, bodyOf } from "./api-error.js";
import type { ServerContext } from "./context.js";
import { base64Of, type Drawn, type Encoding, imagesOf, optionsOf } from "./drawing-request.js";
import { addressIn } from "./images.js";
import { requireModel } from "./models.js";
import { generationSchema, type imagesSchema, type Job, jobSchema } from "./protocol.js";
import { refusals } from "./refusals.js";

/** Finished jobs that are remembered. */
const remembered = 100;

const json = { "application/json": { schema: jobSchema } };

const begin = createRoute({
  method: "post",
  path: "/v1/jobs",
  summary: "Begin to draw pictures of a sentence",
  request: { body: { required: true, content: { "application/json": { schema: generationSchema } } } },
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
      description: "Events as they come.",
      content: { "text/event-stream": { schema: { type: "string" } } },
    },
    ...refusals,
  },
});

/** What is told to followers. */
type Told = { readonly event: "step" | "choice" | "end"; readonly data: unknown };

class RunningJob {
  readonly id = randomUUID();
  readonly #created = Math.floor(Date.now() / 1000);
  readonly #stop = new AbortController();
  readonly #followers = new Set<(told: Told) => void>();
  #status: Job["status"] = "queued";
  #progress: Job["progress"] = null;
  #result: z.infer<typeof imagesSchema> | null = null;
  #error: Job["error"] = null;

  describe(): Job {
    return {
      id: this.id,
      object: "job",
      created: this.#created,
      status: this.#status,
      progress: this.#progress,
      result: this.#result,
      error: this.#error,
    };
  }

  /** Aborted where it is called off. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  get isOver(): boolean {
    return this.#status !== "queued" && this.#status !== "running";
  }

  cancel(): void {
    if (this.isOver) return;
    this.#status = "cancelled";
    this.#stop.abort();
    this.#tell({ event: "end", data: this.describe() });
  }

  /** @returns stops following */
  follow(follower: (told: Told) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  async run(
    { dream, log }: ServerContext,
    place: Place,
    options: GenerateOptions,
    encoding: Encoding,
    address: (bytes: Uint8Array, format: string) => string,
  ): Promise<void> {
    try {
      const pictures: Drawn[] = [];
      for await (const event of dream.generate({ ...options, signal: place.signal })) {
        if (event.type === "picture") pictures.push(event);
        else await this.#follow(event, encoding);
      }
      this.#result = await imagesOf(dream, pictures, encoding, address);
      if (!this.isOver) this.#status = "succeeded";
    } catch (error) {
      if (this.isOver) return;
      const told = asApiError(place.explain(error));
      if (told.status >= 500) log(`job ${this.id}: ${error instanceof Error ? error.stack : String(error)}`);
      this.#status = "failed";
      const { message, type } = bodyOf(told).error;
      this.#error = { message, type };
    } finally {
      place.leave();
      if (this.#status !== "cancelled") this.#tell({ event: "end", data: this.describe() });
    }
  }

  async #follow(event: Exclude<DrawingProgress, Drawn>, encoding: Encoding): Promise<void> {
    if (this.isOver) return;
    this.#status = "running";
    const { done, all, previews } = event;
    this.#progress = { done, all };
    if (this.#followers.size === 0) return;
    const shown = await encodedAll(previews, encoding);
    const data = { done, all, previews: shown };
    if (event.type === "step") this.#tell({ event: "step", data });
    else this.#tell({ event: "choice", data: { ...data, candidates: event.candidates } });
  }

  #tell(told: Told): void {
    for (const follower of this.#followers) follower(told);
  }
}

const encodedAll = async (
  previews: readonly (readonly Picture[])[] | null,
  encoding: Encoding,
): Promise<string[][] | null> =>
  previews === null
    ? null
    : Promise.all(previews.map((row) => Promise.all(row.map((picture) => base64Of(picture, encoding)))));

export function addJobs(app: OpenAPIHono, shared: ServerContext): void {
  const jobs = new Map<string, RunningJob>();
  const find = (context: Context): RunningJob => {
    const job = jobs.get(context.req.param("id") ?? "");
    if (job === undefined) throw new ApiError(404, "there is no such job, or it is not remembered any more");
    return job;
  };
  app.openapi(begin, async (context) => {
    const request = context.req.valid("json");
    requireModel(shared, request.model);
    if (request.stream) throw new ApiError(400, "a job is followed at its events", { param: "stream" });
    const options = optionsOf(shared.dream, request);
    const job = new RunningJob();
    const place = shared.admission.enter(job.stopped);
    jobs.set(job.id, job);
    for (const [id, { isOver }] of jobs) if (jobs.size > remembered && isOver) jobs.delete(id);
    void job.run(shared, place, options, request, addressIn(context, shared));
    return context.json(job.describe(), 202);
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
        if (job.isOver) waiting.push({ event: "end", data: job.describe() });
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
