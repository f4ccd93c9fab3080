/** @file What all rooms of the server share: the model, what it takes on, and what it keeps. */
import type { Dream } from "../dream.js";
import type { PictureGallery } from "../picture-gallery.js";
import type { PictureIndex } from "../search/picture-index.js";
import type { WatchedRuns } from "../watched-runs.js";
import type { Admission, Limits } from "./admission.js";
import type { KeptFiles } from "./kept-files.js";

export interface ServerContext {
  readonly dream: Dream;
  /** Pictures that can be searched; null where none are served. */
  readonly index: PictureIndex | null;
  /** Where jobs keep pictures; null where they keep none. */
  readonly gallery: PictureGallery | null;
  /** Training runs that are shown; null where none are. */
  readonly runs: WatchedRuns | null;
  /** As requests name the model. */
  readonly name: string;
  readonly startedAt: Date;
  readonly limits: Limits;
  readonly admission: Admission;
  readonly files: KeptFiles;
  /** Told of what is our fault. */
  readonly log: (line: string) => void;
}
