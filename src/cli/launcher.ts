/**
 * @file What a process of `--processes` has to do with the one that started it (see processes.ts), through Node's channel between
 * them. A process that something else started, torchrun for one, has no such channel.
 */

/** How long saving may take once the launcher is gone. */
const graceMs = 30_000;

/** What a process tells its launcher. */
export interface Farewell {
  /** What it would have said of another process's end; the launcher knows better. */
  readonly lostPeer: string;
}

/** Whether `--processes` started this process. */
export function wasLaunched(): boolean {
  return process.send !== undefined;
}

/**
 * Ends this process when its launcher says so, since another one failed, or, as SIGTERM does, when the launcher has ended, however that
 * came about.
 */
export function endWithLauncher(): void {
  if (!wasLaunched()) return;
  const end = (): void => {
    process.kill(process.pid, "SIGTERM");
    setTimeout(() => process.kill(process.pid, "SIGKILL"), graceMs).unref();
  };
  if (!process.connected) {
    end();
    return;
  }
  process.once("disconnect", end);
  // At once and without a word: the step that was begun cannot be finished, and what is written is written atomically.
  process.once("message", () => process.exit(143));
  // The channel alone keeps no process alive.
  process.channel?.unref();
}

/**
 * Leaves it to the launcher to say why this process ends, where it ends because of another one.
 * @returns whether there is a launcher
 */
export function leaveToLauncher(message: string): boolean {
  if (process.send === undefined || !process.connected) return false;
  process.send({ lostPeer: message } satisfies Farewell);
  return true;
}
