/** @file `/v1/search`: the pictures of the index that is served, found by a sentence or by a picture. */
import { readFile } from "node:fs/promises";
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { PictureIndex } from "../search/picture-index.js";
import { ApiError } from "./api-error.js";
import type { ServerContext } from "./context.js";
import { pictureIn } from "./picture-data.js";
import { foundSchema, searchSchema } from "./protocol.js";
import { refusals } from "./refusals.js";

const find = createRoute({
  method: "post",
  path: "/v1/search",
  summary: "Find pictures of the index by a sentence or a picture",
  request: { body: { required: true, content: { "application/json": { schema: searchSchema } } } },
  responses: {
    200: { description: "The nearest first.", content: { "application/json": { schema: foundSchema } } },
    ...refusals,
  },
});

const look = createRoute({
  method: "get",
  path: "/v1/search/pictures/{id}",
  summary: "A picture of the index",
  responses: { 200: { description: "The file." }, ...refusals },
});

export function addSearch(app: OpenAPIHono, shared: ServerContext): void {
  const { admission, limits } = shared;
  app.openapi(find, async (context) => {
    const index = indexOf(shared);
    const { text, image, count } = context.req.valid("json");
    const query = text === undefined ? { image: await pictureIn(image!, "image", limits.pixels) } : { text };
    const found = await admission.admit(context.req.raw.signal, () => index.search(query, count));
    const { origin } = new URL(context.req.url);
    const data = found.map(({ path, width, height, score }) => {
      const id = Buffer.from(path).toString("base64url");
      return { id, path, width, height, score, url: `${origin}/v1/search/pictures/${id}` };
    });
    return context.json({ object: "list" as const, data }, 200);
  });
  app.openapi(look, async (context) => {
    const path = Buffer.from(context.req.param("id"), "base64url").toString();
    // Only what the index has is read, whatever a path says.
    if (!indexOf(shared).has(path)) throw new ApiError(404, "the index has no such picture");
    const bytes = await readFile(path).catch(() => {
      throw new ApiError(404, "the picture is not there any more");
    });
    return context.body(new Uint8Array(bytes), 200, { "content-type": typeOf(bytes) });
  });
}

function indexOf({ index }: ServerContext): PictureIndex {
  if (index !== null) return index;
  throw new ApiError(404, "this server has no index; --index names one");
}

function typeOf(bytes: Uint8Array): string {
  if (bytes[0] === 0x89) return "image/png";
  return bytes[0] === 0xff ? "image/jpeg" : "image/webp";
}
