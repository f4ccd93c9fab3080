/** @file `/v1/gallery`: pictures that jobs kept, with the requests that draw them again. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { PictureGallery } from "../picture-gallery.js";
import { type PictureRecord, recordIn, settingsOf } from "../picture-record.js";
import { ApiError } from "./api-error.js";
import type { ServerContext } from "./context.js";
import { webSettings } from "./drawing-request.js";
import { pictureIn } from "./picture-data.js";
import { refusals } from "./refusals.js";
import { type DrawnRecord, gallerySchema, pictureSchema, recordSchema } from "./studio-protocol.js";

const list = createRoute({
  method: "get",
  path: "/v1/gallery",
  summary: "Pictures that were kept, the newest first",
  request: {
    query: z.object({
      count: z.coerce.number().int().min(1).max(200).default(60),
      before: z.string().optional().openapi({ description: "An id: only pictures kept before it." }),
    }),
  },
  responses: {
    200: { description: "A page of them.", content: { "application/json": { schema: gallerySchema } } },
    ...refusals,
  },
});

const look = createRoute({
  method: "get",
  path: "/v1/gallery/{id}",
  summary: "A picture that was kept",
  responses: { 200: { description: "A PNG that carries its record." }, ...refusals },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/gallery/{id}",
  summary: "Remove a picture from the gallery, and from the disk",
  responses: { 204: { description: "It is gone." }, ...refusals },
});

const read = createRoute({
  method: "post",
  path: "/v1/records",
  summary: "What a picture was drawn from, read from its file",
  request: { body: { required: true, content: { "application/json": { schema: pictureSchema } } } },
  responses: {
    200: { description: "Its record.", content: { "application/json": { schema: recordSchema } } },
    ...refusals,
  },
});

export function addGallery(app: OpenAPIHono, shared: ServerContext): void {
  app.openapi(list, async (context) => {
    const { count, before } = context.req.valid("query");
    const { origin } = new URL(context.req.url);
    const pictures = await galleryOf(shared).list(count + 1, before ?? null);
    const data = pictures.slice(0, count).map(({ id, record }) => ({
      id,
      url: `${origin}/v1/gallery/${id}`,
      record: record === null ? null : told(record),
    }));
    return context.json({ object: "list" as const, data, has_more: pictures.length > count }, 200);
  });
  app.openapi(look, async (context) => {
    const bytes = await galleryOf(shared).read(context.req.param("id"));
    if (bytes === null) throw noPicture();
    return context.body(new Uint8Array(bytes), 200, {
      "content-type": "image/png",
      "cache-control": "private, max-age=3600",
    });
  });
  app.openapi(remove, async (context) => {
    if (!(await galleryOf(shared).remove(context.req.param("id")))) throw noPicture();
    return context.body(null, 204);
  });
  app.openapi(read, async (context) => {
    const { image } = context.req.valid("json");
    const record = recordIn(await pictureIn(image, "image", shared.limits.pixels));
    if (record === null)
      throw new ApiError(
        400,
        "image does not say what it was drawn from: expected a PNG that was drawn here",
        {
          param: "image",
        },
      );
    return context.json(told(record), 200);
  });
}

const noPicture = (): ApiError => new ApiError(404, "the gallery has no such picture");

function galleryOf({ gallery }: ServerContext): PictureGallery {
  if (gallery !== null) return gallery;
  throw new ApiError(404, "this server has no gallery; --gallery names a folder for one");
}

function told(record: PictureRecord): DrawnRecord {
  const { prompt, seed, edit, candidateScores, chosen } = record;
  return {
    settings: { prompt, seed, ...webSettings(settingsOf(record)) },
    candidate_scores: candidateScores,
    chosen,
    is_edit: edit !== undefined,
  };
}
