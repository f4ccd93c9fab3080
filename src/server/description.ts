/** @file What the server understands, told by itself: OpenAPI 3.1 for programs, a page for people. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { packageVersion } from "../machine.js";
import { escapeHtml } from "../report/charts.js";
import { page, table } from "../report/page.js";

/** @param asksForToken whether requests carry a bearer token */
export function addDescription(app: OpenAPIHono, asksForToken: boolean): void {
  const config = {
    openapi: "3.1.0",
    info: {
      title: "dream",
      version: packageVersion(),
      description: "A model that draws pictures of sentences, and embeds both (DREAM, arXiv 2603.02667).",
    },
    ...(asksForToken ? { security: [{ bearer: [] }] } : {}),
  };
  if (asksForToken)
    app.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  const describe = () => app.getOpenAPI31Document(config);
  let described: ReturnType<typeof describe> | null = null;
  app.get("/openapi.json", (context) => {
    described ??= describe();
    return context.json(described);
  });
  app.get("/docs", (context) => {
    described ??= describe();
    return context.html(descriptionPage(described));
  });
}

type Description = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;

/** As much of a schema as the page tells. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

function descriptionPage({ info, paths = {}, components }: Description): string {
  const schemas = (components?.schemas ?? {}) as Readonly<Record<string, Schema>>;
  const resolved = (schema: Schema | undefined): Schema =>
    schema?.$ref === undefined ? (schema ?? {}) : (schemas[schema.$ref.split("/").at(-1)!] ?? {});
  const sections = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods as Readonly<Record<string, Operation>>).map(([method, operation]) => {
      const [body] = Object.entries(operation.requestBody?.content ?? {});
      const told =
        body === undefined
          ? ""
          : `<p class="soft">${escapeHtml(body[0])}</p>${fields(resolved(body[1].schema))}`;
      return `<section class="card"><h2><code>${method.toUpperCase()} ${escapeHtml(path)}</code></h2>
<p>${escapeHtml(operation.summary ?? "")}</p>${told}</section>`;
    }),
  );
  return page(
    `${info.title}: what it understands`,
    `<h1>${escapeHtml(info.title)} ${escapeHtml(info.version)}</h1><p class="lead">${escapeHtml(info.description ?? "")}</p>
<p><a href="/openapi.json">OpenAPI 3.1</a></p>\n${sections.join("\n")}`,
  );
}

interface Operation {
  readonly summary?: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
}

function fields({ properties = {}, required = [] }: Schema): string {
  const range = ({ minimum, maximum, default: usual }: Schema): string =>
    [
      ...(minimum === undefined ? [] : [`from ${minimum}`]),
      ...(maximum === undefined ? [] : [`to ${maximum}`]),
      ...(usual === undefined ? [] : [`usually ${JSON.stringify(usual)}`]),
    ].join(" ");
  const kind = ({ type, enum: known }: Schema): string =>
    known === undefined
      ? [type ?? ""].flat().join(" or ")
      : known.map((one) => JSON.stringify(one)).join(", ");
  return table(
    ["parameter", "", "", ""],
    Object.entries(properties).map(([name, schema]) => [
      `<code>${escapeHtml(name)}</code>${required.includes(name) ? " (needed)" : ""}`,
      escapeHtml(kind(schema)),
      escapeHtml(range(schema)),
      escapeHtml(schema.description ?? ""),
    ]),
  );
}
