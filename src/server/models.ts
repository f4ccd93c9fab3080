/** @file `/v1/models`: the model that is served. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { ApiError } from "./api-error.js";
import type { ServerContext } from "./context.js";
import { modelSchema, modelsSchema } from "./protocol.js";
import { refusals } from "./refusals.js";

const list = createRoute({
  method: "get",
  path: "/v1/models",
  summary: "The models that are served",
  responses: {
    200: { description: "One.", content: { "application/json": { schema: modelsSchema } } },
    ...refusals,
  },
});

const one = createRoute({
  method: "get",
  path: "/v1/models/{id}",
  summary: "A model",
  responses: {
    200: { description: "What it is.", content: { "application/json": { schema: modelSchema } } },
    ...refusals,
  },
});

export function addModels(app: OpenAPIHono, shared: ServerContext): void {
  app.openapi(list, (context) =>
    context.json({ object: "list" as const, data: [describeModel(shared)] }, 200),
  );
  app.openapi(one, (context) => {
    requireModel(shared, context.req.param("id"));
    return context.json(describeModel(shared), 200);
  });
}

/** @throws ApiError 404 where another model is asked for */
export function requireModel({ name }: ServerContext, asked: string | undefined): void {
  if (asked === undefined || asked === name) return;
  throw new ApiError(404, `this server has the model ${name}, got ${JSON.stringify(asked)}`, {
    param: "model",
    code: "model_not_found",
  });
}

export function describeModel({ name, dream: { info }, startedAt }: ServerContext) {
  return {
    id: name,
    object: "model" as const,
    created: Math.floor(startedAt.getTime() / 1000),
    owned_by: "dream",
    recipe: info.recipe,
    size: `${info.sizePixels}x${info.sizePixels}`,
    tokens: info.tokens,
    parameters: info.parameters,
    embedding_width: info.embeddingWidth,
    reads: info.reads,
  };
}
