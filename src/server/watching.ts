/** @file How the server is: whether it lives, whether it takes requests, and its figures for Prometheus. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { EngineStatistics } from "../engine/protocol.js";
import { ApiError } from "./api-error.js";
import type { ServerContext } from "./context.js";
import { refusals } from "./refusals.js";

const text = (summary: string, path: string) =>
  createRoute({
    method: "get",
    path,
    summary,
    responses: {
      200: { description: summary, content: { "text/plain": { schema: z.string() } } },
      ...refusals,
    },
  });

/** Figures of one server. */
export class Figures {
  readonly #registry = new Registry();
  readonly #replies: Counter<"route" | "status">;
  readonly #seconds: Histogram<"route">;

  constructor({ dream, admission }: ServerContext) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#replies = new Counter({
      name: "dream_http_replies_total",
      help: "Replies by route and status.",
      labelNames: ["route", "status"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "dream_http_seconds",
      help: "Seconds from a request to its reply's beginning.",
      labelNames: ["route"],
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
      registers,
    });
    new Gauge({
      name: "dream_requests_inside",
      help: "Requests that are worked on or wait.",
      registers,
      collect() {
        this.set(admission.inside);
      },
    });
    const engine = new Gauge({
      name: "dream_engine",
      help: "What the engine has done: decoding steps, canvases in them, pictures drawn, requests called off, texts and pictures embedded, what waits and is under way, tensors held.",
      labelNames: ["what"],
      registers,
      async collect() {
        const statistics = await dream.statistics();
        for (const [what, value] of Object.entries(statistics satisfies EngineStatistics))
          engine.set({ what }, value);
      },
    });
  }

  /** Counts every reply. */
  readonly count: MiddlewareHandler = async (context, next) => {
    const began = performance.now();
    await next();
    const route = routePath(context, -1);
    this.#replies.inc({ route, status: context.res.status });
    this.#seconds.observe({ route }, (performance.now() - began) / 1000);
  };

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get type(): string {
    return this.#registry.contentType;
  }
}

/** What may be asked without a token: it says nothing of anybody. */
export function addHealth(app: OpenAPIHono, { admission }: ServerContext): void {
  app.openapi(text("Whether the server lives", "/healthz"), (context) => context.text("alive\n", 200));
  app.openapi(text("Whether the server takes requests", "/readyz"), (context) => {
    if (admission.isOpen) return context.text("ready\n", 200);
    throw new ApiError(503, "the server is ending");
  });
}

export function addMetrics(app: OpenAPIHono, figures: Figures): void {
  app.openapi(text("Figures for Prometheus", "/metrics"), async (context) =>
    context.text(await figures.text(), 200, { "content-type": figures.type }),
  );
}
