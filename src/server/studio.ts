/** @file The studio at `/`: the page that set-up built, and what it has to know of the server. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { packageRoot } from "../tensor/index.js";
import { ApiError } from "./api-error.js";
import type { ServerContext } from "./context.js";
import { describeModel } from "./models.js";
import { refusals } from "./refusals.js";
import { studioSchema } from "./studio-protocol.js";

const what = createRoute({
  method: "get",
  path: "/v1/studio",
  summary: "What the studio has to know: the model, how it draws, and what the server has",
  responses: {
    200: { description: "It.", content: { "application/json": { schema: studioSchema } } },
    ...refusals,
  },
});

/** Paths below which the page's files are; they tell nothing of anybody. */
export const isStudioFile = (path: string): boolean => path === "/" || path.startsWith("/studio/");

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly compressed: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

export function addStudio(app: OpenAPIHono, shared: ServerContext): void {
  const { dream, gallery, runs, index } = shared;
  const files = pageFiles(join(packageRoot(), "dist", "studio"));
  app.openapi(what, (context) => {
    const { steps, guidance, temperature, candidates, selectAt } = dream.info.drawing;
    return context.json(
      {
        model: describeModel(shared),
        captions: dream.info.classes === null,
        drawing: {
          steps,
          guidance_scale: guidance.scale,
          temperature,
          candidates,
          select_at: selectAt,
        },
        examples: [...dream.info.examples],
        gallery: gallery !== null,
        runs: runs !== null,
        index: index === null ? null : { pictures: index.count },
      },
      200,
    );
  });
  const give = (name: string, cache: string, accepted: string): Response => {
    const file = files.get(name);
    if (file === undefined) throw new ApiError(404, "the studio has no such file");
    const compressed = /\bgzip\b/.test(accepted);
    return new Response(compressed ? file.compressed : file.bytes, {
      headers: {
        "content-type": file.type,
        "cache-control": cache,
        vary: "accept-encoding",
        ...(compressed ? { "content-encoding": "gzip" } : {}),
      },
    });
  };
  app.get("/", ({ req }) => give("index.html", "no-cache", req.header("accept-encoding") ?? ""));
  // Their names have a hash of what is in them.
  app.get("/studio/:name{.+\\.(js|css)}", ({ req }) =>
    give(req.param("name"), "public, max-age=31536000, immutable", req.header("accept-encoding") ?? ""),
  );
}

/** By their names. They are few, and small. */
function pageFiles(folder: string): Map<string, PageFile> {
  if (!existsSync(folder)) throw new Error(`internal: set-up did not build ${folder}`);
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    names.map(({ parentPath, name }) => {
      const bytes = new Uint8Array(readFileSync(join(parentPath, name)));
      const compressed = new Uint8Array(gzipSync(bytes, { level: 9 }));
      return [name, { bytes, compressed, type: types[extname(name)] ?? "application/octet-stream" }];
    }),
  );
}
