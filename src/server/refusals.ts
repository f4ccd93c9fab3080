/** @file The refusals that every route may give, for the API's description. */
import { errorSchema } from "./protocol.js";

const refusal = (description: string) => ({
  description,
  content: { "application/json": { schema: errorSchema } },
});

export const refusals = {
  400: refusal("It cannot be understood, or this model cannot do it."),
  401: refusal("The bearer token is missing or wrong."),
  404: refusal("There is no such thing."),
  413: refusal("The body is larger than the server reads."),
  429: refusal("Too many requests are waiting; Retry-After says when to ask again."),
  503: refusal("The server is ending."),
  504: refusal("The request's time is over."),
} as const;
