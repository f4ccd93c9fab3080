/** @file What all rooms of the server share: the model, what it takes on, and what it keeps. */
import type { Dream } from "../dream.js";
import type { Admission, Limits } from "./admission.js";
import type { KeptFiles } from "./kept-files.js";

export interface ServerContext {
  readonly dream: Dream;
  /** As requests name the model. */
  readonly name: string;
  readonly startedAt: Date;
  readonly limits: Limits;
  readonly admission: Admission;
  readonly files: KeptFiles;
  /** Told of what is our fault. */
  readonly log: (line: string) => void;
}
