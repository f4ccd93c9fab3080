/** @file `/v1/embeddings`: sentences and pictures as vectors of one space. Pictures come as data, and nothing is fetched. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { ApiError } from "./api-error.js";
import type { ServerContext } from "./context.js";
import { requireModel } from "./models.js";
import { pictureIn } from "./picture-data.js";
import { type EmbeddingRequest, embeddingSchema, embeddingsSchema } from "./protocol.js";
import { refusals } from "./refusals.js";

const route = createRoute({
  method: "post",
  path: "/v1/embeddings",
  summary: "Embed sentences and pictures",
  request: { body: { required: true, content: { "application/json": { schema: embeddingSchema } } } },
  responses: {
    200: {
      description: "A unit vector for each, in their order.",
      content: { "application/json": { schema: embeddingsSchema } },
    },
    ...refusals,
  },
});

type Input = Extract<EmbeddingRequest["input"], readonly unknown[]>[number];

export function addEmbeddings(app: OpenAPIHono, shared: ServerContext): void {
  const { dream, admission, limits } = shared;
  app.openapi(route, async (context) => {
    const request = context.req.valid("json");
    requireModel(shared, request.model);
    requireWidth(dream.info.embeddingWidth, request.dimensions);
    const inputs: readonly Input[] = Array.isArray(request.input) ? request.input : [request.input];
    const texts = inputs.filter((input) => typeof input === "string");
    const images = await Promise.all(
      inputs.flatMap((input) =>
        typeof input === "string" ? [] : [pictureIn(input.image, "input", limits.pixels)],
      ),
    );
    const [told, seen] = await admission.admit(context.req.raw.signal, (signal) =>
      Promise.all([dream.embedText(texts, { signal }), dream.embedImage(images, { signal })]),
    );
    const [ofTexts, ofImages] = [told[Symbol.iterator](), seen[Symbol.iterator]()];
    const data = inputs.map((input, index) => {
      const vector = (typeof input === "string" ? ofTexts : ofImages).next().value as Float32Array;
      const embedding = request.encoding_format === "base64" ? base64Of(vector) : [...vector];
      return { object: "embedding" as const, index, embedding };
    });
    const read = (await dream.countWords(texts)).reduce((sum, words) => sum + words, 0);
    const usage = { prompt_tokens: read, total_tokens: read };
    return context.json({ object: "list" as const, data, model: shared.name, usage }, 200);
  });
}

/** @throws ApiError 400 where the model does not embed, or embeds in another width */
function requireWidth(width: number | null, asked: number | undefined): void {
  if (width === null) throw new ApiError(400, "this model was not trained to embed", { param: "model" });
  if (asked !== undefined && asked !== width)
    throw new ApiError(400, `this model's embeddings have ${width} numbers, got dimensions ${asked}`, {
      param: "dimensions",
    });
}

/** Little-endian float32, as OpenAI's client reads it. */
const base64Of = (vector: Float32Array): string => {
  const bytes = Buffer.alloc(4 * vector.length);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, 4 * i);
  return bytes.toString("base64");
};
