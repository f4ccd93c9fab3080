/** @file A hub of one model on this machine: the list of files, and their content with ranges, behind a second host as large files are. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const commit = "0123456789abcdef0123456789abcdef01234567";

export interface HubServer {
  readonly endpoint: string;
  /** What was asked for, e.g. `GET /o/m/resolve/…`, with the range where there is one. */
  readonly requests: string[];
  /** What the second host was shown as authorisation. */
  readonly shownElsewhere: (string | undefined)[];
  /** Files by name; those in `large` are stored as large ones are. */
  readonly files: Map<string, Buffer>;
  /** Bytes after which every connection of the second host breaks. */
  cutAfter: number;
  /** Whether it can send a file from some byte on. */
  ranges: boolean;
  /** What is sent for a file in place of its content. */
  readonly forged: Map<string, Buffer>;
  token: string | null;
  close(): Promise<void>;
}

/** Starts one. @param large names of files kept on the second host */
export async function startHub(files: Readonly<Record<string, Buffer>>, large: readonly string[]) {
  const state = {
    requests: [] as string[],
    shownElsewhere: [] as (string | undefined)[],
    files: new Map(Object.entries(files)),
    forged: new Map<string, Buffer>(),
    cutAfter: Number.POSITIVE_INFINITY,
    ranges: true,
    token: null as string | null,
  };
  const second = await listen((request, response) => {
    state.shownElsewhere.push(request.headers.authorization);
    sendFile(request, response, decodeURIComponent(request.url!.slice(1)));
  });
  const first = await listen((request, response) => {
    const { method, url = "", headers } = request;
    state.requests.push(`${method} ${url}${headers.range === undefined ? "" : ` ${headers.range}`}`);
    if (state.token !== null && headers.authorization !== `Bearer ${state.token}`)
      return void response.writeHead(401).end("Repository not found");
    if (/^\/api\/models\/owner\/model\/revision\/(main|[0-9a-f]{40})\?blobs=true$/.test(url))
      return void response.end(JSON.stringify({ sha: commit, siblings: [...state.files].map(siblingOf) }));
    const name = /^\/owner\/model\/resolve\/[0-9a-f]{40}\/(.*)$/.exec(url)?.[1];
    if (name === undefined || !state.files.has(name)) return void response.writeHead(404).end();
    if (large.includes(name))
      return void response
        .writeHead(302, { location: `${addressOf(second)}/${encodeURIComponent(name)}` })
        .end();
    sendFile(request, response, name);
  });

  function siblingOf([rfilename, content]: [string, Buffer]) {
    const size = content.length;
    const blobId = createHash("sha1").update(`blob ${size}\0`).update(content).digest("hex");
    const sha256 = createHash("sha256").update(content).digest("hex");
    return large.includes(rfilename)
      ? { rfilename, size, blobId, lfs: { sha256, size, pointerSize: 134 } }
      : { rfilename, size, blobId };
  }

  function sendFile(request: IncomingMessage, response: ServerResponse, name: string): void {
    const content = state.forged.get(name) ?? state.files.get(name)!;
    const range = state.ranges ? /^bytes=(\d+)-$/.exec(request.headers.range ?? "") : null;
    const from = Number(range?.[1] ?? 0);
    const part = content.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      "content-length": part.length,
      ...(from > 0 ? { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
    });
    if (part.length <= state.cutAfter) return void response.end(part);
    response.write(part.subarray(0, state.cutAfter), () => setTimeout(() => response.destroy(), 20));
  }

  const hub: HubServer = Object.assign(state, {
    endpoint: addressOf(first),
    close: async () => {
      for (const server of [first, second])
        await new Promise((resolve) => {
          server.close(resolve);
          server.closeAllConnections();
        });
    },
  });
  return hub;
}

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
