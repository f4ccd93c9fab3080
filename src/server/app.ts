/** @file The server without its socket: every request's way in, and the rooms behind. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { secureHeaders } from "hono/secure-headers";
import { ApiError, asApiError, respond } from "./api-error.js";
import type { ServerContext } from "./context.js";
import { addDescription } from "./description.js";
import { addEmbeddings } from "./embeddings.js";
import { addGallery } from "./gallery.js";
import { addImages } from "./images.js";
import { addJobs } from "./jobs.js";
import { addModels } from "./models.js";
import { addRuns } from "./runs.js";
import { addSearch } from "./search.js";
import { requireOwnName, requireToken } from "./security.js";
import { addStudio, isStudioFile } from "./studio.js";
import { addHealth, addMetrics, Figures } from "./watching.js";

export interface Access {
  /** Null asks for none. */
  readonly token: string | null;
  /** Names that the server goes by, beside the machine's own. */
  readonly names: readonly string[];
}

/** Whether a route asks for the token: what is kept under a name that nobody guesses does not, nor does the server's health. */
const isOpen = (path: string): boolean =>
  path === "/healthz" || path === "/readyz" || isStudioFile(path) || path.startsWith("/v1/images/files/");

export function serverApp(shared: ServerContext, { token, names }: Access): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result) => {
      if (result.success) return;
      const [issue] = result.error.issues;
      const param = issue!.path.join(".");
      const unknown = issue!.code === "unrecognized_keys" ? issue!.keys[0]! : null;
      throw new ApiError(
        400,
        unknown === null
          ? `${param === "" ? "body" : param}: ${issue!.message}`
          : `${unknown}: there is no such parameter`,
        { param: unknown ?? (param === "" ? null : param) },
      );
    },
  });
  const figures = new Figures(shared);
  app.onError((error, context) => {
    const told = asApiError(error);
    const left = context.req.raw.signal.aborted;
    if (told.status >= 500 && told.status !== 503 && !left)
      shared.log(`${context.req.method} ${context.req.path}: ${error.stack ?? error.message}`);
    return respond(context, told);
  });
  app.notFound((context) =>
    respond(context, new ApiError(404, "there is no such address; /docs lists what there is")),
  );
  app.use(figures.count);
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", "data:", "blob:"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
      strictTransportSecurity: false,
    }),
  );
  app.use(requireOwnName(names));
  const withToken = requireToken(token);
  app.use((context, next) => (isOpen(context.req.path) ? next() : withToken(context, next)));
  app.use(
    bodyLimit({
      maxSize: shared.limits.bodyBytes,
      onError: () => {
        throw new ApiError(413, `bodies of more than ${shared.limits.bodyBytes} bytes are not read`, {
          headers: { connection: "close" },
        });
      },
    }),
  );
  addHealth(app, shared);
  addMetrics(app, figures);
  addModels(app, shared);
  addImages(app, shared);
  addEmbeddings(app, shared);
  addJobs(app, shared);
  addSearch(app, shared);
  addGallery(app, shared);
  addRuns(app, shared);
  addStudio(app, shared);
  addDescription(app, token !== null);
  return app;
}
