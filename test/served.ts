/** @file A server of a model of its own, for tests; and requests that no client would send. */
import { type IncomingHttpHeaders, type RequestOptions, request } from "node:http";
import { Dream } from "../src/dream.js";
import { type Limits, usualLimits } from "../src/server/admission.js";
import { type ServeOptions, type Serving, serveModel } from "../src/server/listen.js";
import { loudRun } from "./loud-run.js";

export interface Served {
  readonly dream: Dream;
  readonly address: string;
  readonly serving: Serving;
  /** What the server said was its own fault. */
  readonly log: readonly string[];
  end(): Promise<void>;
}

export async function served(
  limits: Partial<Limits> = {},
  options: Partial<Pick<ServeOptions, "token" | "names" | "index" | "gallery" | "runs">> = {},
  run?: string,
  name = "loud",
): Promise<Served> {
  const dream = await Dream.load(run ?? (await loudRun()), { device: "cpu" });
  const log: string[] = [];
  const serving = await serveModel(dream, {
    host: "127.0.0.1",
    port: 0,
    name,
    token: null,
    index: null,
    gallery: null,
    runs: null,
    names: [],
    ...options,
    limits: { ...usualLimits, ...limits },
    log: (line) => log.push(line),
  });
  const end = async (): Promise<void> => {
    await serving.close(1000);
    await dream.dispose();
  };
  return { dream, address: serving.address, serving, log, end };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A request as it is written, with headers that `fetch` would refuse. */
export function ask(
  address: string,
  path: string,
  { body, ...options }: RequestOptions & { readonly body?: string | Uint8Array } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(address);
    const sent = request({ hostname, port, path, ...options }, (reply) => {
      let text = "";
      reply.on("data", (data) => {
        text += String(data);
      });
      reply.on("end", () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text }));
      reply.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** A request with a body of JSON. */
export const post = (
  address: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> =>
  ask(address, path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

/** Of a refusal. */
export const sentenceOf = ({ text }: Reply): string =>
  (JSON.parse(text) as { readonly error: { readonly message: string } }).error.message;
