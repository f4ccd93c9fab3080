/** @file Who may ask: a bearer token, the names that the server goes by, and no page of another origin. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { ApiError } from "./api-error.js";

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** @param token null asks for none */
export function requireToken(token: string | null): MiddlewareHandler {
  const expected = token === null ? null : digest(token);
  return async (context, next) => {
    if (expected !== null) {
      const [, given = ""] = /^Bearer +(\S+)$/i.exec(context.req.header("authorization") ?? "") ?? [];
      // Digests are of one length, and take as long to compare wherever they differ.
      if (!timingSafeEqual(digest(given), expected))
        throw new ApiError(401, "a bearer token is asked for: Authorization: Bearer ...", {
          code: "invalid_api_key",
          headers: { "www-authenticate": "Bearer" },
        });
    }
    await next();
  };
}

/** Names that always mean this machine. */
const ownNames = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Refuses names that are not the server's, so that no page can reach it by a name of its own (DNS rebinding), and requests of other origins'
 * pages.
 * @param names beside the machine's own; none are checked where it holds `*`
 */
export function requireOwnName(names: readonly string[]): MiddlewareHandler {
  const known = new Set([...ownNames, ...names.map((name) => name.toLowerCase())]);
  return async (context, next) => {
    const host = context.req.header("host") ?? "";
    const name = nameOf(host);
    if (name === null || !(known.has(name) || known.has("*")))
      throw new ApiError(
        421,
        `this server does not go by the name ${JSON.stringify(host.slice(0, 100))}; --allow-host adds one`,
      );
    const origin = context.req.header("origin");
    if (origin !== undefined && !isSameOrigin(origin, host))
      throw new ApiError(403, "pages of other origins may not ask this server");
    await next();
  };
}

/** The name in a Host header, its port left off; null where it is none. */
function nameOf(host: string): string | null {
  const [, name] = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(host) ?? [];
  return name?.toLowerCase() ?? null;
}

function isSameOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
