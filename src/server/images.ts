/** @file `/v1/images`: pictures from sentences, and pictures of which a part is drawn anew, whole or as a stream. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { DrawingProgress } from "../engine/protocol.js";
import type { Picture } from "../formats/images.js";
import { ApiError, asApiError, bodyOf } from "./api-error.js";
import type { ServerContext } from "./context.js";
import {
  base64Of,
  checkStream,
  commonOf,
  type Drawn,
  type Encoding,
  imagesOf,
  keptAs,
  optionsOf,
} from "./drawing-request.js";
import { requireModel } from "./models.js";
import { bytesOf, checkPicture } from "./picture-data.js";
import { editSchema, generationSchema, imagesSchema } from "./protocol.js";
import { refusals } from "./refusals.js";

const replies = {
  200: {
    description: "The pictures; of a stream, events as they come.",
    content: {
      "application/json": { schema: imagesSchema },
      "text/event-stream": { schema: { type: "string" } },
    },
  },
  ...refusals,
} as const;

const generations = createRoute({
  method: "post",
  path: "/v1/images/generations",
  summary: "Draw pictures of a sentence",
  request: { body: { required: true, content: { "application/json": { schema: generationSchema } } } },
  responses: replies,
});

const edits = createRoute({
  method: "post",
  path: "/v1/images/edits",
  summary: "Draw a part of a picture anew",
  request: { body: { required: true, content: { "multipart/form-data": { schema: editSchema } } } },
  responses: replies,
});

const files = createRoute({
  method: "get",
  path: "/v1/images/files/{name}",
  summary: "A picture that a reply named by its address",
  responses: { 200: { description: "The picture." }, ...refusals },
});

export function addImages(app: OpenAPIHono, shared: ServerContext): void {
  const { dream } = shared;
  app.openapi(generations, async (context) => {
    const request = context.req.valid("json");
    requireModel(shared, request.model);
    checkStream(request);
    const options = optionsOf(dream, request);
    return reply(context, shared, request, "image_generation", (signal) =>
      dream.generate({ ...options, signal }),
    );
  });
  app.openapi(edits, async (context) => {
    const { image, mask, keep_pixels, ...request } = context.req.valid("form");
    requireModel(shared, request.model);
    checkStream(request);
    const options = optionsOf(dream, request);
    const [picture, marked] = await Promise.all([bytesOf(image), bytesOf(mask)]);
    await checkPicture(picture, "image", shared.limits.pixels);
    await checkPicture(marked, "mask", shared.limits.pixels);
    return reply(context, shared, request, "image_edit", (signal) =>
      dream.edit({ ...options, image: picture, mask: marked, keep: keptAs(keep_pixels), signal }),
    );
  });
  // Names are not guessed, so that pages may show pictures without a token.
  app.openapi(files, (context) => {
    const file = shared.files.find(context.req.param("name"));
    if (file === null) throw new ApiError(404, "there is no such picture, or it is not kept any more");
    return context.body(new Uint8Array(file.bytes), 200, {
      "content-type": file.type,
      "cache-control": "private, max-age=3600",
    });
  });
}

type Drawing = AsyncGenerator<DrawingProgress, void>;

/** Draws, and replies in the form that was asked for. @param event how events of a stream are called */
async function reply(
  context: Context,
  shared: ServerContext,
  request: Encoding & { readonly stream: boolean },
  event: "image_generation" | "image_edit",
  begin: (signal: AbortSignal) => Drawing,
) {
  const { admission, dream } = shared;
  if (request.stream) return streamed(context, shared, request, event, begin);
  const drawn = await admission.admit(context.req.raw.signal, async (signal) => {
    const pictures: Drawn[] = [];
    for await (const one of begin(signal)) if (one.type === "picture") pictures.push(one);
    return pictures;
  });
  return context.json(await imagesOf(dream, drawn, request, addressIn(context, shared)), 200);
}

/** Keeps files, and says where they can be had by whoever asked. */
export const addressIn =
  (context: Context, { files }: ServerContext) =>
  (bytes: Uint8Array, format: string): string =>
    `${new URL(context.req.url).origin}/v1/images/files/${files.keep(bytes, format)}`;

/** OpenAI's events. What is refused before the first step is refused with a status of its own. */
async function streamed(
  context: Context,
  { dream, admission }: ServerContext,
  request: Encoding,
  event: "image_generation" | "image_edit",
  begin: (signal: AbortSignal) => Drawing,
) {
  const left = new AbortController();
  context.req.raw.signal.addEventListener("abort", () => left.abort(), { once: true });
  const place = admission.enter(left.signal);
  const events = begin(place.signal);
  const next = (): ReturnType<Drawing["next"]> =>
    events.next().catch((error: unknown) => {
      throw place.explain(error);
    });
  let first: Awaited<ReturnType<Drawing["next"]>>;
  try {
    first = await next();
  } catch (error) {
    place.leave();
    throw error;
  }
  return streamSSE(
    context,
    async (stream) => {
      stream.onAbort(() => left.abort());
      try {
        let shown = 0;
        for (let one = first; one.done !== true; one = await next()) {
          const told = shownIn(one.value);
          if (told === null) continue;
          const { kind, picture, more } = told;
          const data = {
            type: `${event}.${kind}`,
            b64_json: await base64Of(picture, request),
            created_at: Math.floor(Date.now() / 1000),
            ...commonOf(dream, request),
            ...more,
            ...(kind === "partial_image" ? { partial_image_index: shown++ } : {}),
          };
          await stream.writeSSE({ event: data.type, data: JSON.stringify(data) });
        }
      } finally {
        place.leave();
      }
    },
    async (error, stream) => {
      if (left.signal.aborted) return;
      await stream.writeSSE({ event: "error", data: JSON.stringify(bodyOf(asApiError(error))) });
    },
  );
}

/** What of an event a stream shows: the picture, or on the way to it the first candidate that is left. */
function shownIn(event: DrawingProgress): {
  readonly kind: "partial_image" | "completed";
  readonly picture: Picture;
  readonly more: Readonly<Record<string, unknown>>;
} | null {
  if (event.type === "picture") {
    const { seed, candidateScores, chosen } = event;
    const more = { seed, candidate_scores: candidateScores, chosen };
    return { kind: "completed", picture: event.picture, more };
  }
  const picture = event.type === "step" ? event.previews?.[0]?.pictures[0] : undefined;
  return picture === undefined ? null : { kind: "partial_image", picture, more: {} };
}
