/**
 * @file Content from the hub, into a file that is whole or absent. What arrived of an interrupted download is kept beside it as
 * `.incomplete` and gone on from; only content of the right hash gets its name. Two processes that load the same content write
 * the same bytes to the same places.
 */
import { createHash, type Hash } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { DreamError } from "../errors.js";
import { writeFailure } from "../formats/atomic.js";
import type { HubContent } from "./listing.js";
import { type HubAccess, request, unreachable } from "./requests.js";

/** Called as bytes arrive. */
export type OnBytes = (doneBytes: number, totalBytes: number) => void;

/**
 * Downloads content.
 * @param path where it goes
 * @throws DreamError `io` where the connection or the disk fails, `format` where the content is not what it should be
 */
export async function download(
  url: string,
  content: HubContent,
  path: string,
  access: HubAccess,
  onBytes: OnBytes,
): Promise<void> {
  const partial = `${path}.incomplete`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(partial, constants.O_RDWR | constants.O_CREAT);
    try {
      const digest = await fill(file, url, content, access, onBytes);
      if (digest.digest("hex") !== content.hash.hex) throw await unlike(partial, url);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path).catch((cause: unknown) => {
      // Somebody else may have been faster.
      if (!existsSync(path)) throw cause;
    });
  } catch (cause) {
    if (cause instanceof DreamError || (cause as NodeJS.ErrnoException).code === undefined) throw cause;
    throw writeFailure(path, cause);
  }
}

/** Brings what is missing of a file. @returns the hash of all of it */
async function fill(
  file: FileHandle,
  url: string,
  { sizeBytes, hash }: HubContent,
  access: HubAccess,
  onBytes: OnBytes,
): Promise<Hash> {
  let digest = digestOf(hash.kind, sizeBytes);
  let done = await hashBeginning(file, digest, sizeBytes);
  onBytes(done, sizeBytes);
  if (done === sizeBytes) return digest;
  const operation = `download ${url}`;
  const response = await request(url, access, operation, done > 0 ? { range: `bytes=${done}-` } : {});
  if (response.status !== 206) {
    digest = digestOf(hash.kind, sizeBytes);
    done = 0;
  }
  for await (const chunk of chunksOf(response, operation, access.endpoint)) {
    if (done + chunk.length > sizeBytes) throw await unlike(null, url);
    await writeAt(file, chunk, done);
    digest.update(chunk);
    done += chunk.length;
    onBytes(done, sizeBytes);
  }
  if (done < sizeBytes)
    throw unreachable(operation, access.endpoint, new Error(`${done} of ${sizeBytes} bytes came`));
  return digest;
}

function digestOf(kind: HubContent["hash"]["kind"], sizeBytes: number): Hash {
  return kind === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${sizeBytes}\0`);
}

/** Hashes what is there already. @returns how many bytes */
async function hashBeginning(file: FileHandle, digest: Hash, sizeBytes: number): Promise<number> {
  if ((await file.stat()).size > sizeBytes) await file.truncate(0);
  const buffer = new Uint8Array(1 << 20);
  let done = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, done);
    if (bytesRead === 0) return done;
    digest.update(buffer.subarray(0, bytesRead));
    done += bytesRead;
  }
}

async function* chunksOf(
  response: Response,
  operation: string,
  endpoint: string,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((cause: unknown) => {
        throw unreachable(operation, endpoint, cause);
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function writeAt(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  let done = 0;
  while (done < bytes.length)
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}

async function unlike(partial: string | null, url: string): Promise<DreamError> {
  if (partial !== null) await rm(partial, { force: true });
  return new DreamError("format", {
    operation: `download ${url}`,
    expected: "the content that the hub lists",
    got: "another",
    hint: "it was thrown away; run this again",
  });
}
