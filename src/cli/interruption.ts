/** @file Ctrl-C during long work: the first asks it to save and end, the second ends it at once. */
import { say } from "./output.js";

/** Why work ended that a signal stopped, where there was nothing to save. */
export class Stopped extends Error {
  constructor(
    /** The process's. */
    readonly exitCode: number,
    resume: string,
  ) {
    super(`Stopped. To go on: ${resume}`);
  }
}

export interface Interruption {
  /** Its reason is a {@link Stopped}. */
  readonly signal: AbortSignal;
  /** Gives the signals back to Node. */
  release(): void;
  /** Ends the process with the signal's code, after a word on how to go on. */
  finish(nextStep: number): void;
}

/** Some runners pass one Ctrl-C on twice; what comes this soon after the first is the same. */
export const sameWithinMs = 500;

/** @param resume the command that goes on */
export function interruption(resume: string): Interruption {
  const controller = new AbortController();
  let code = 130;
  let first = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    code = signal === "SIGTERM" ? 143 : 130;
    if (controller.signal.aborted) {
      if (performance.now() - first > sameWithinMs) process.exit(code);
      return;
    }
    first = performance.now();
    say("\nStopping after this step; press Ctrl-C again to stop at once.");
    controller.abort(new Stopped(code, resume));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    release: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
    finish: (nextStep) => {
      say(`Saved before step ${nextStep}. To go on: ${resume}`);
      process.exitCode = code;
    },
  };
}
