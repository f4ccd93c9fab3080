/** @file Tar archives written whole or not at all; the same entries give the same bytes. */
import { pack } from "tar-stream";
import { writeAtomically } from "./atomic.js";

/** A file to be put into an archive. */
export interface TarEntry {
  readonly name: string;
  readonly data: Uint8Array;
}

/** Writes an archive atomically; the same entries give the same bytes. */
export async function writeTar(path: string, entries: AsyncIterable<TarEntry>): Promise<void> {
  await writeAtomically(path, async (file) => {
    const archive = pack();
    const write = async (): Promise<void> => {
      for await (const chunk of archive) await file.writeFile(chunk as Buffer);
    };
    const feed = async (): Promise<void> => {
      for await (const { name, data } of entries)
        await new Promise<void>((resolve, reject) => {
          const done = (error?: Error | null): void => (error ? reject(error) : resolve());
          archive.entry(
            { name, size: data.length, mtime: new Date(0), mode: 0o644 },
            Buffer.from(data),
            done,
          );
        });
      archive.finalize();
    };
    const fed = feed().catch((error: Error) => {
      archive.destroy(error);
      throw error;
    });
    await Promise.all([write(), fed]);
  });
}
