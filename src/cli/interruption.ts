/** @file Ctrl-C during long work: the first asks it to save and end, the second ends it at once. */
import { say } from "./output.js";

export interface Interruption {
  readonly signal: AbortSignal;
  /** Gives the signals back to Node. */
  release(): void;
  /** Ends the process with the signal's code, after a word on how to go on. */
  finish(nextStep: number): void;
}

/** @param resume the command that goes on */
export function interruption(resume: string): Interruption {
  const controller = new AbortController();
  let code = 130;
  const onSignal = (signal: NodeJS.Signals): void => {
    code = signal === "SIGTERM" ? 143 : 130;
    if (controller.signal.aborted) process.exit(code);
    say("\nStopping after this step; press Ctrl-C again to stop at once.");
    controller.abort();
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
