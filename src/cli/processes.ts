/**
 * @file Several processes of this same command on this machine, each with its share of the cores: what torchrun does, without Python. The
 * first that fails ends all, and has said why before anything else is said.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { availableParallelism, constants } from "node:os";
import { createInterface } from "node:readline";
import { sameWithinMs } from "./interruption.js";
import type { Farewell } from "./launcher.js";
import { say } from "./output.js";

/** How long a process may take that was told to end over its channel; one that is only starting does not hear it. */
const wordMs = 1_000;
/** How long it may take after SIGTERM. */
const graceMs = 10_000;
/** How long the process that is the reason may be behind one that noticed. */
const reasonMs = 2_000;

/**
 * Starts this command `count` times over and waits for all.
 * @param args the command line after the program's name; `--processes` is left out of it
 * @returns the exit code: 0, the first failed one's, or the signal's that all were stopped by
 */
export async function runProcesses(count: number, args: readonly string[]): Promise<number> {
  const port = await freePort();
  const threads = Math.max(1, Math.floor(availableParallelism() / count));
  const environment = {
    OMP_NUM_THREADS: String(threads),
    ...process.env,
    WORLD_SIZE: String(count),
    LOCAL_WORLD_SIZE: String(count),
    MASTER_ADDR: "127.0.0.1",
    MASTER_PORT: String(port),
  };
  const command = [...process.execArgv, process.argv[1]!, ...withoutProcesses(args)];
  const team = new Launched(
    Array.from({ length: count }, (_, rank) =>
      spawn(process.execPath, command, {
        env: { ...environment, RANK: String(rank), LOCAL_RANK: String(rank) },
        // The first speaks for all; of the others only complaints are passed on.
        stdio: rank === 0 ? ["inherit", "inherit", "inherit", "ipc"] : ["ignore", "ignore", "pipe", "ipc"],
      }),
    ),
  );
  const pass = (signal: NodeJS.Signals): void => team.pass(signal);
  process.on("SIGINT", pass);
  process.on("SIGTERM", pass);
  try {
    return await team.end;
  } finally {
    process.off("SIGINT", pass);
    process.off("SIGTERM", pass);
  }
}

/** A command line without `--processes N`, in either of its spellings. */
export function withoutProcesses(args: readonly string[]): string[] {
  return args.filter(
    (word, i) => word !== "--processes" && args[i - 1] !== "--processes" && !word.startsWith("--processes="),
  );
}

/** A process that ends meanwhile needs no word. */
const ignored = (): void => {};

/** The running processes, and what is known of their end. */
class Launched {
  /** The exit code, once none is left. */
  readonly end: Promise<number>;
  readonly #running = new Map<number, ChildProcess>();
  /** Those that said that another process ended. */
  readonly #bereaved = new Map<number, string>();
  #resolve: (code: number) => void = () => {};
  #failure: number | undefined;
  /** By a signal, and when. */
  #stopped: { readonly status: number; readonly at: number } | undefined;
  /** Fails all for want of a better reason. */
  #suspicion: (() => void) | undefined;
  #reasonTimer: NodeJS.Timeout | undefined;
  #termTimer: NodeJS.Timeout | undefined;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(children: readonly ChildProcess[]) {
    this.end = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    for (const [rank, child] of children.entries()) this.#watch(rank, child);
  }

  /**
   * Passes a signal on. A terminal's Ctrl-C has reached all of them already; they take what comes so soon after the first as the
   * same (see interruption.ts).
   */
  pass(signal: NodeJS.Signals): void {
    this.#stopped ??= { status: 128 + constants.signals[signal], at: performance.now() };
    // Who asks twice does not want to wait.
    if (performance.now() - this.#stopped.at > sameWithinMs) this.#killLater();
    for (const child of this.#running.values()) child.kill(signal);
  }

  #watch(rank: number, child: ChildProcess): void {
    this.#running.set(rank, child);
    if (child.stderr !== null)
      createInterface({ input: child.stderr }).on("line", (line) => say(`[${rank}] ${line}`));
    child.on("message", ({ lostPeer }: Farewell) => this.#bereaved.set(rank, lostPeer));
    child.on("error", (error) => {
      if (child.pid !== undefined) return;
      this.#running.delete(rank);
      say(`[${rank}] could not be started: ${error.message}`);
      this.#fail(1);
      this.#finishIfAlone();
    });
    // After its last words were read.
    child.on("close", (code, signal) => this.#ended(rank, code, signal));
  }

  #ended(rank: number, code: number | null, signal: NodeJS.Signals | null): void {
    if (!this.#running.delete(rank)) return;
    const status = signal === null ? code! : 128 + constants.signals[signal];
    if (status !== 0 && this.#failure === undefined && !this.#wasAsked(rank, status))
      this.#failed(rank, status, signal);
    this.#finishIfAlone();
  }

  /** Whether it ends because all were told to; one that was in the middle of a call to another may only have noticed that. */
  #wasAsked(rank: number, status: number): boolean {
    return this.#stopped !== undefined && (status === 130 || status === 143 || this.#bereaved.has(rank));
  }

  #failed(rank: number, status: number, signal: NodeJS.Signals | null): void {
    const lostPeer = this.#bereaved.get(rank);
    if (lostPeer === undefined) {
      if (signal !== null) say(`[${rank}] was ended by ${signal}.`);
      this.#fail(status);
      return;
    }
    // Another one is the reason, and will be seen to end; if not, this one's word has to do.
    this.#suspicion ??= () => {
      say(`[${rank}] dream: ${lostPeer}`);
      this.#fail(status);
    };
    this.#reasonTimer ??= setTimeout(this.#suspicion, reasonMs);
  }

  /** Ends those that are left: by a word, since a signal would make them say that they stop after this step. */
  #fail(status: number): void {
    clearTimeout(this.#reasonTimer);
    this.#failure = status;
    for (const child of this.#running.values()) if (child.connected) child.send("end", ignored);
    this.#termTimer = setTimeout(() => {
      for (const child of this.#running.values()) child.kill("SIGTERM");
      this.#killLater();
    }, wordMs);
  }

  #killLater(): void {
    this.#killTimer ??= setTimeout(() => {
      for (const child of this.#running.values()) child.kill("SIGKILL");
    }, graceMs);
  }

  #finishIfAlone(): void {
    if (this.#running.size > 0) return;
    if (this.#failure === undefined) this.#suspicion?.();
    clearTimeout(this.#termTimer);
    clearTimeout(this.#killTimer);
    this.#resolve(this.#failure ?? this.#stopped?.status ?? 0);
  }
}

/** A port of loopback that nobody listens on. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port: 0 }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
