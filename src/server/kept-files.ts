/** @file Pictures that replies name by address: kept in memory for a while, under names that nobody guesses. */
import { randomUUID } from "node:crypto";

interface Kept {
  readonly bytes: Uint8Array;
  readonly type: string;
  readonly until: number;
}

export class KeptFiles {
  readonly #files = new Map<string, Kept>();
  readonly #mostBytes: number;
  readonly #lifetimeMs: number;
  #bytes = 0;

  /** @param mostBytes of all together; the oldest go first */
  constructor(mostBytes: number, lifetimeMs: number) {
    this.#mostBytes = mostBytes;
    this.#lifetimeMs = lifetimeMs;
  }

  /** @param format such as png @returns its name */
  keep(bytes: Uint8Array, format: string): string {
    const name = `${randomUUID()}.${format}`;
    this.#files.set(name, { bytes, type: `image/${format}`, until: Date.now() + this.#lifetimeMs });
    this.#bytes += bytes.length;
    this.#drop((_, first) => first && this.#bytes > this.#mostBytes && this.#files.size > 1);
    return name;
  }

  find(name: string): Pick<Kept, "bytes" | "type"> | null {
    const now = Date.now();
    this.#drop(({ until }) => until < now);
    return this.#files.get(name) ?? null;
  }

  /** From the oldest on. @param first whether it is the oldest that is left */
  #drop(unwanted: (file: Kept, first: boolean) => boolean): void {
    let first = true;
    for (const [name, file] of this.#files) {
      if (unwanted(file, first)) {
        this.#files.delete(name);
        this.#bytes -= file.bytes.length;
      } else first = false;
    }
  }
}
