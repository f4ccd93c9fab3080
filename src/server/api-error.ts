/** @file Refusals as the API tells them: OpenAI's shape, a status that fits, and a sentence. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { DreamError } from "../errors.js";
import type { ErrorBody } from "./protocol.js";

export class ApiError extends Error {
  constructor(
    readonly status: ContentfulStatusCode,
    message: string,
    readonly details: {
      /** The parameter that is meant. */
      readonly param?: string | null;
      readonly code?: string | null;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(message);
  }
}

/** What a person can mend is theirs, everything else is ours, and is told without its insides. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof HTTPException)
    return new ApiError(
      error.status as ContentfulStatusCode,
      error.message || "the request cannot be understood",
    );
  if (error instanceof DreamError)
    switch (error.code) {
      case "value":
      case "usage":
      case "format":
      case "shape":
      case "unknown-name":
        return new ApiError(400, error.message);
      default:
        return new ApiError(500, error.message);
    }
  return new ApiError(500, "internal error; the server's log has it");
}

const typeOf = (status: number): string =>
  status === 401
    ? "authentication_error"
    : status === 429
      ? "rate_limit_error"
      : status >= 500
        ? "server_error"
        : "invalid_request_error";

export function bodyOf({ status, message, details }: ApiError): ErrorBody {
  return {
    error: { message, type: typeOf(status), param: details.param ?? null, code: details.code ?? null },
  };
}

export function respond(context: Context, error: ApiError): Response {
  return context.json(bodyOf(error), error.status, error.details.headers ?? {});
}
