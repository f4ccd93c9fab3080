/** @file `/v1/images`: pictures from sentences, and pictures of which a part is drawn anew, whole or as a stream. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { EditOptions } from "../dream.js";
import type { DrawingProgress } from "../engine/protocol.js";
import { ApiError, asApiError, bodyOf } from "./api-error.js";
import type { ServerContext } from "./context.js";
import { checkStream, optionsOf } from "./drawing-request.js";
import { requireModel } from "./models.js";
import { bytesOf, checkPicture } from "./picture-data.js";
import { type EditRequest, editSchema, type Generation, generationSchema, imagesSchema } from "./protocol.js";
import { refusals } from "./refusals.js";
import { type Asked, base64, commonOf, type Drawn, fileOf, halfDrawnBase64, imagesOf } from "./replies.js";

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
    checkStream(request);
    const asked = askedOf(context, shared, "generation", request);
    return (request.stream ? streamed : whole)(context, shared, asked, (signal) =>
      dream.generate({ ...asked.options, signal }),
    );
  });
  app.openapi(edits, async (context) => {
    const { image, mask, keep_pixels, ...request } = context.req.valid("form");
    checkStream(request);
    const asked = askedOf(context, shared, "edit", request);
    const edited = await editedOf(shared, { image, mask, keep_pixels });
    return (request.stream ? streamed : whole)(context, shared, asked, (signal) =>
      dream.edit({ ...asked.options, ...edited, signal }),
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

/** Draws, and replies with all of it. */
async function whole(
  context: Context,
  shared: ServerContext,
  asked: Asked,
  begin: (signal: AbortSignal) => Drawing,
) {
  const drawn = await shared.admission.admit(context.req.raw.signal, async (signal) => {
    const pictures: Drawn[] = [];
    for await (const one of begin(signal)) if (one.type === "picture") pictures.push(one);
    return pictures;
  });
  return context.json(await imagesOf(asked, drawn), 200);
}

/** A request as it is drawn and replied to. @throws ApiError for another model, or what it does not draw */
export function askedOf(
  context: Context,
  shared: ServerContext,
  kind: Asked["kind"],
  request: Generation,
): Asked {
  const { dream, files } = shared;
  requireModel(shared, request.model);
  const { origin } = new URL(context.req.url);
  return {
    dream,
    options: optionsOf(dream, request),
    kind,
    encoding: request,
    address: (bytes, format) => `${origin}/v1/images/files/${files.keep(bytes, format)}`,
  };
}

/** What is edited, and how. @throws ApiError for pictures that are none, or too large */
export async function editedOf(
  { limits }: ServerContext,
  { image, mask, keep_pixels }: Pick<EditRequest, "image" | "mask" | "keep_pixels">,
): Promise<Pick<EditOptions, "image" | "mask" | "keep">> {
  const [picture, marked] = await Promise.all([bytesOf(image), bytesOf(mask)]);
  await checkPicture(picture, "image", limits.pixels);
  await checkPicture(marked, "mask", limits.pixels);
  return { image: picture, mask: marked, keep: keep_pixels ? "pixels" : "tokens" };
}

/** OpenAI's events. What is refused before the first step is refused with a status of its own. */
async function streamed(
  context: Context,
  { dream, admission }: ServerContext,
  asked: Asked,
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
          const told = await shownIn(one.value, asked);
          if (told === null) continue;
          const { kind, ...more } = told;
          const data = {
            type: `image_${asked.kind}.${kind}`,
            created_at: Math.floor(Date.now() / 1000),
            ...commonOf(dream, asked.encoding),
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
async function shownIn(event: DrawingProgress, asked: Asked) {
  if (event.type === "picture") {
    const { seed, candidateScores, chosen } = event;
    const b64_json = base64(await fileOf(asked, event));
    return { kind: "completed" as const, b64_json, seed, candidate_scores: candidateScores, chosen };
  }
  const picture = event.type === "step" ? event.previews?.[0]?.pictures[0] : undefined;
  if (picture === undefined) return null;
  return { kind: "partial_image" as const, b64_json: await halfDrawnBase64(picture, asked.encoding) };
}
