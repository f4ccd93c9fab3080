/**
 * @file Where processes of one machine find each other. libtorch's TCPStore listens on every interface, and version 1.13 cannot be told
 * otherwise; so process 0 listens here, on loopback alone, and when all have come tells them the path of a file in a folder that only
 * this user can read, through which they then connect.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DreamError } from "../errors.js";

const loopback = "127.0.0.1";
const retryMs = 100;
const longestLine = 4096;

export interface Meeting {
  readonly rank: number;
  readonly size: number;
  /** Of 127.0.0.1. */
  readonly port: number;
  readonly timeoutMs: number;
}

/**
 * Meets the others and runs `body` with a path that all were given; the file is deleted when process 0's body is through.
 * @throws DreamError `io` where the port is in use, `peer` where somebody does not come
 */
export async function meet<T>(at: Meeting, body: (path: string) => T): Promise<T> {
  if (at.rank > 0) return body(await visit(at));
  const folder = await mkdtemp(join(tmpdir(), "dream-processes-"));
  try {
    const path = join(folder, "store");
    await host(at, path);
    return body(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits for every other process, and tells all of them the path at once. */
async function host({ size, port, timeoutMs }: Meeting, path: string): Promise<void> {
  const guests = new Map<number, Socket>();
  const server = await listen(port);
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const complete = (): void => {
        if (guests.size === size - 1) resolve();
      };
      timer = setTimeout(() => reject(absent(size, guests, timeoutMs)), timeoutMs);
      server.on("connection", (socket) => {
        welcome(socket, size, guests, complete).catch(reject);
      });
      complete();
    });
    for (const socket of guests.values()) socket.end(`${JSON.stringify({ path })}\n`);
  } catch (error) {
    for (const socket of guests.values()) socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    server.close();
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(
        new DreamError("io", {
          operation: "wait for the other processes",
          expected: `port ${port} of ${loopback} to be free`,
          got: cause.code === "EADDRINUSE" ? "another program that listens on it" : cause.message,
          hint: "set MASTER_PORT to another one, the same for all processes",
          cause,
        }),
      );
    });
    server.listen({ host: loopback, port, exclusive: true }, () => resolve(server));
  });
}

/** Notes who has come; strangers are shown the door. @throws DreamError `value` where the processes were started inconsistently */
async function welcome(
  socket: Socket,
  size: number,
  guests: Map<number, Socket>,
  complete: () => void,
): Promise<void> {
  socket.on("error", () => socket.destroy());
  const hello = parse(await readLine(socket));
  if (typeof hello.rank !== "number" || typeof hello.size !== "number") {
    socket.destroy();
    return;
  }
  const { rank } = hello;
  if (hello.size !== size || rank < 1 || rank >= size || guests.has(rank)) {
    socket.end(`${JSON.stringify({ refused: true })}\n`);
    throw new DreamError("value", {
      operation: "wait for the other processes",
      expected: `processes 1 to ${size - 1} of ${size}, once each`,
      got: `process ${rank} of ${hello.size}${guests.has(rank) ? " a second time" : ""}`,
      hint: "RANK has to differ and WORLD_SIZE to be the same for all that share MASTER_PORT",
    });
  }
  guests.set(rank, socket);
  socket.on("close", () => {
    if (guests.get(rank) === socket) guests.delete(rank);
  });
  complete();
}

function absent(size: number, guests: ReadonlyMap<number, Socket>, timeoutMs: number): DreamError {
  const missing = Array.from({ length: size - 1 }, (_, i) => i + 1).filter((rank) => !guests.has(rank));
  return new DreamError("peer", {
    operation: "wait for the other processes",
    expected: `all ${size} within ${timeoutMs / 1000} s`,
    got: `none of number ${missing.join(", ")}`,
    hint: "look at what those processes said, and start all of them again",
  });
}

/** Asks process 0 for the path, again and again, since it may start late. */
async function visit({ rank, size, port, timeoutMs }: Meeting): Promise<string> {
  const end = performance.now() + timeoutMs;
  while (performance.now() < end) {
    const answer = parse(await ask(port, JSON.stringify({ rank, size }), end - performance.now()));
    if (typeof answer.path === "string") return answer.path;
    if (answer.refused === true)
      throw new DreamError("peer", {
        operation: "join the other processes",
        message: `process 0 does not expect process ${rank} of ${size}`,
        hint: "RANK has to differ and WORLD_SIZE to be the same for all that share MASTER_PORT",
      });
    await pause(retryMs);
  }
  throw new DreamError("peer", {
    operation: "join the other processes",
    expected: `process 0 and all others at ${loopback}:${port} within ${timeoutMs / 1000} s`,
    got: "not all of them",
    hint: "look at what the other processes said, and start all of them again",
  });
}

/** One line said and one heard; empty where nobody is there, or says nothing in time. */
async function ask(port: number, line: string, timeoutMs: number): Promise<string> {
  const socket = createConnection({ host: loopback, port });
  socket.on("error", () => socket.destroy());
  socket.setTimeout(timeoutMs, () => socket.destroy());
  socket.write(`${line}\n`);
  const answer = await readLine(socket);
  socket.destroy();
  return answer;
}

/** The first line that comes; empty where the connection ends before it does, or it is too long. */
function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (data: string) => {
      text += data;
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end));
      else if (text.length > longestLine) socket.destroy();
    });
    socket.on("close", () => resolve(""));
  });
}

function parse(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
