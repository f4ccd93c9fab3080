/** @file The server on its socket: the model loaded, requests taken with time limits of their own, and an orderly end. */
import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import type { Dream } from "../dream.js";
import { DreamError } from "../errors.js";
import { Admission } from "./admission.js";
import { type Access, serverApp } from "./app.js";
import type { ServerContext } from "./context.js";
import { KeptFiles } from "./kept-files.js";

export interface ServeOptions
  extends Access,
    Pick<ServerContext, "index" | "gallery" | "runs" | "limits" | "log"> {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** As requests name the model. */
  readonly name: string;
}

export interface Serving {
  /** Where it listens, e.g. http://127.0.0.1:8000. */
  readonly address: string;
  /** Takes on nothing more, waits so long for what is under way, and ends. @returns whether all of it was done */
  close(patienceMs: number): Promise<boolean>;
}

/** Pictures that replies name by address. */
const keptBytes = 64_000_000;
const keptMs = 3_600_000;

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|::1)$/.test(host);

/** @throws DreamError `usage` for an address that others reach, without a token; `io` where it cannot listen */
export async function serveModel(
  dream: Dream,
  { host, port, name, index, gallery, runs, limits, log, token, names }: ServeOptions,
): Promise<Serving> {
  if (!isLoopback(host) && token === null)
    throw new DreamError("usage", {
      operation: `listen on ${host}`,
      expected: "a token, where others than this machine reach the server",
      got: "none",
      hint: "set DREAM_TOKEN or name a file with --token-file, or listen on 127.0.0.1",
    });
  const admission = new Admission(limits);
  const files = new KeptFiles(keptBytes, keptMs);
  const shared: ServerContext = {
    dream,
    index,
    gallery,
    runs,
    name,
    startedAt: new Date(),
    limits,
    admission,
    files,
    log,
  };
  const app = serverApp(shared, { token, names: [...names, host.includes(":") ? `[${host}]` : host] });
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.arrivalMs,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: 5000,
    },
  }) as Server;
  await listening(server, host, port);
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("internal: no port was bound");
  const shown = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
  return {
    address: `http://${shown}:${bound.port}`,
    close: async (patienceMs) => {
      const isDone = await admission.drain(patienceMs);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // Replies that are done are still being sent, some of them.
        setTimeout(() => server.closeAllConnections(), 1000).unref();
      });
      return isDone;
    },
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new DreamError("io", {
          operation: `listen on ${host}:${port}`,
          message: cause.message,
          hint: "choose another --port, or --port 0 for any that is free",
          cause,
        }),
      ),
    );
    server.listen(port, host, () => resolve());
  });
}
