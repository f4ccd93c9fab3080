/** @file The server as the studio asks it: JSON, pictures and events, each with the token where one is asked for. */
import { signal } from "@preact/signals";
import type { ErrorBody } from "../../src/server/protocol.js";
import type { Studio } from "../../src/server/studio-protocol.js";

const tokenKey = "dream-token";

/** The server's bearer token; kept as long as the tab is open. */
export const token = signal(sessionStorage.getItem(tokenKey) ?? "");

/** Whether the server has asked for a token, or for another one. */
export const tokenAsked = signal(false);

/** What the server is and has; null until it has said so. */
export const studio = signal<Studio | null>(null);

/** What the server does not do, with its sentence. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** @throws Refusal */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token.value !== "") headers.set("authorization", `Bearer ${token.value}`);
  const reply = await fetch(path, { ...init, headers }).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    throw new Refusal(0, "the server does not answer; is it still running?");
  });
  if (reply.ok) return reply;
  if (reply.status === 401) tokenAsked.value = true;
  const body = (await reply.json().catch(() => null)) as ErrorBody | null;
  throw new Refusal(reply.status, body?.error.message ?? `${reply.status} ${reply.statusText}`);
}

/** A reply's JSON. @throws Refusal */
export async function askFor<T>(path: string, init?: RequestInit): Promise<T> {
  return (await (await ask(path, init)).json()) as T;
}

/** A request with a body of JSON. */
export const sending = (body: unknown): RequestInit => ({
  method: "POST",
  body: JSON.stringify(body),
  headers: { "content-type": "application/json" },
});

/** Asks what there is. @throws Refusal */
export async function enter(given: string): Promise<void> {
  token.value = given;
  studio.value = await askFor<Studio>("/v1/studio");
  tokenAsked.value = false;
  if (given !== "") sessionStorage.setItem(tokenKey, given);
}

/** A stream's events, to its end. */
export async function* eventsOf(reply: Response): AsyncGenerator<{ event: string; data: unknown }> {
  let rest = "";
  const text = reply.body!.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await text.read();
      if (done) return;
      const parts = (rest + value).split("\n\n");
      rest = parts.pop()!;
      for (const part of parts) {
        const field = (name: string): string | undefined =>
          part
            .split("\n")
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2);
        yield { event: field("event") ?? "", data: JSON.parse(field("data") ?? "null") as unknown };
      }
    }
  } finally {
    await text.cancel().catch(() => {});
  }
}

/** What went wrong, in a sentence. */
export const sentenceOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
