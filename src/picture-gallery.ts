/** @file Drawn pictures on disk, the newest first. Each is one PNG that carries its record, whole or absent: there is nothing beside the files to fall behind them. */
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Drawing } from "./drawing.js";
import { DreamError } from "./errors.js";
import { removeHalfWritten, writeAtomically } from "./formats/atomic.js";
import { type DrawnFrom, encodeRecorded, type PictureRecord, recordIn } from "./picture-record.js";

/** A picture that is kept. */
export interface GalleryPicture {
  /** Its name, made of the time at which it was kept; later ones sort after it. */
  readonly id: string;
  /** Null where somebody put a file there that says nothing. */
  readonly record: PictureRecord | null;
}

/** Names that {@link PictureGallery.keep} gives. */
const idPattern = /^\d{8}T\d{9}-[0-9a-f]{8}$/;

/** More than a record has: a sentence has at most 4,000 letters, and there are at most 64 candidates. */
const headBytes = 1 << 16;

/** A folder of drawn pictures. One process writes to it. */
export class PictureGallery {
  private constructor(readonly folder: string) {}

  /** Opens a folder, or begins one; what a killed process left half-written goes. @throws DreamError `io` where it cannot be made */
  static async open(folder: string): Promise<PictureGallery> {
    try {
      mkdirSync(folder, { recursive: true });
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new DreamError("io", {
        operation: `open ${folder}`,
        message,
        hint: "choose another folder",
        cause,
      });
    }
    await removeHalfWritten(folder);
    return new PictureGallery(folder);
  }

  /** @throws DreamError `io` where the disk is full */
  async keep(drawing: Drawing, from: DrawnFrom): Promise<string> {
    const time = new Date().toISOString().replaceAll(/[-:.Z]/g, "");
    const id = `${time}-${randomBytes(4).toString("hex")}`;
    const png = await encodeRecorded(drawing, from);
    await writeAtomically(this.#path(id), (file) => file.writeFile(png));
    return id;
  }

  /** Its pictures, the newest first. @param before only those that were kept before this one */
  async list(count: number, before: string | null): Promise<GalleryPicture[]> {
    const names = await readdir(this.folder).catch((cause: unknown) => whereItIs(this.folder, cause, []));
    const ids = names
      .filter((name) => name.endsWith(".png"))
      .map((name) => name.slice(0, -4))
      .filter((id) => idPattern.test(id) && (before === null || id < before))
      .sort()
      .reverse()
      .slice(0, count);
    const pictures = await Promise.all(
      ids.map(async (id) => {
        const head = await this.#head(id);
        return head === null ? [] : [{ id, record: recordIn(head) }];
      }),
    );
    return pictures.flat();
  }

  /** A picture's PNG; null where there is none of this name. */
  async read(id: string): Promise<Uint8Array | null> {
    if (!idPattern.test(id)) return null;
    return readFile(this.#path(id)).catch((cause: unknown) => whereItIs(this.#path(id), cause, null));
  }

  /** @returns whether it was there */
  async remove(id: string): Promise<boolean> {
    if (!idPattern.test(id)) return false;
    const removed = rm(this.#path(id)).then(() => true);
    return removed.catch((cause: unknown) => whereItIs(this.#path(id), cause, false));
  }

  /** As much of a file as its record takes, which comes before the picture. */
  async #head(id: string): Promise<Uint8Array | null> {
    const file = await open(this.#path(id)).catch((cause: unknown) => whereItIs(this.#path(id), cause, null));
    if (file === null) return null;
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  #path(id: string): string {
    return join(this.folder, `${id}.png`);
  }
}

/** What stands for a file that is not there. @throws DreamError `io` for one that is there and cannot be reached */
function whereItIs<T>(path: string, cause: unknown, missing: T): T {
  if ((cause as NodeJS.ErrnoException).code === "ENOENT") return missing;
  const message = cause instanceof Error ? cause.message : String(cause);
  throw new DreamError("io", { operation: `reach ${path}`, message, hint: "check the folder", cause });
}
