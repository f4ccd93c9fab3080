/**
 * @file A folder of recorded tensors. Its one `*_golden.json` says which files there are; no other name is assumed. Results
 * (`out.*`) are handed out for comparison only, inputs and recorded draws freely.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DreamError } from "../errors.js";
import { openSafetensors, type SafetensorsFile } from "../formats/safetensors.js";
import { readTensor } from "../nn/index.js";
import type { Device, Tensor } from "../tensor/index.js";

/** What is known of one recorded result. */
export interface Recorded {
  readonly absmax?: number;
  readonly noise?: number;
}

interface GoldenJson {
  readonly config: Readonly<Record<string, unknown>>;
  readonly files: Readonly<Record<string, string>>;
  readonly parameter_order?: readonly string[];
  readonly gradients?: Readonly<Record<string, Recorded>>;
  readonly tensors?: Readonly<Record<string, Recorded & { readonly about?: string }>>;
  readonly notes?: Readonly<Record<string, unknown>>;
}

export class Recordings {
  readonly json: GoldenJson;
  readonly weights: SafetensorsFile;
  readonly #cases: SafetensorsFile;

  /** @throws DreamError `io` or `format` naming what the folder lacks */
  constructor(
    readonly folder: string,
    readonly device: Device = "cpu",
  ) {
    this.json = readGoldenJson(folder);
    this.weights = this.open("weights");
    this.#cases = this.open("cases");
  }

  /** Whether the folder has a file of this kind (`weights`, `grads`, `cases`, `tables`, `diffusion_tables`). */
  has(kind: string): boolean {
    return this.json.files[kind] !== undefined;
  }

  /** A safetensors file by kind. */
  open(kind: string): SafetensorsFile {
    return openSafetensors(this.#path(kind));
  }

  /** A JSON file by kind. */
  table(kind: string): unknown {
    return parseJson(this.#path(kind));
  }

  /** Every name in the file of cases. */
  get names(): string[] {
    return [...this.#cases.tensors.keys()];
  }

  /** Whether an input or a recorded draw is there. */
  hasInput(name: string): boolean {
    return this.#cases.tensors.has(name);
  }

  /** An input or a recorded draw. @throws Error for a result, which only {@link result} gives */
  input(name: string): Tensor {
    if (name.startsWith("out.") && name !== minimumMask) throw new Error(`internal: ${name} is a result`);
    return readTensor(this.#cases, name, this.device);
  }

  /** Flags or counts as numbers. */
  inputNumbers(name: string): number[] {
    const value = this.input(name);
    const numbers = value.toNumbers();
    value.dispose();
    return numbers;
  }

  /** A recorded result as numbers, for comparison. */
  result(name: string): {
    readonly values: readonly number[];
    readonly shape: readonly number[];
    readonly exact: boolean;
  } {
    const entry = this.#cases.tensors.get(name);
    if (entry === undefined) throw new Error(`internal: no recorded ${name}`);
    const value = readTensor(this.#cases, name);
    const values = value.toNumbers();
    value.dispose();
    return { values, shape: entry.shape, exact: entry.dtype.startsWith("I") };
  }

  /** What is known of a recorded result's size and noise. */
  about(name: string): Recorded & { readonly about?: string } {
    return this.json.tensors?.[name] ?? {};
  }

  #path(kind: string): string {
    const name = this.json.files[kind];
    if (name === undefined)
      throw new DreamError("format", {
        operation: `open recordings ${this.folder}`,
        expected: `a file of kind '${kind}' in the list of files`,
        got: Object.keys(this.json.files).join(", "),
      });
    return join(this.folder, name);
  }
}

/** The one tensor among the results that is an input. */
export const minimumMask = "out.clip.plain_min_mask";

function readGoldenJson(folder: string): GoldenJson {
  let found: string[];
  try {
    found = readdirSync(folder).filter((name) => name.endsWith("_golden.json"));
  } catch (cause) {
    throw new DreamError("io", {
      operation: `open recordings ${folder}`,
      message: cause instanceof Error ? cause.message : String(cause),
      hint: "name a folder that holds a *_golden.json, such as test/golden",
      cause,
    });
  }
  if (found.length !== 1)
    throw new DreamError("format", {
      operation: `open recordings ${folder}`,
      expected: "one file *_golden.json",
      got: found.length === 0 ? "none" : found.join(", "),
    });
  const json = parseJson(join(folder, found[0]!)) as Partial<GoldenJson>;
  if (json.config === undefined || json.files === undefined)
    throw new DreamError("format", {
      operation: `open recordings ${join(folder, found[0]!)}`,
      expected: "a config and a list of files",
      got: Object.keys(json).join(", "),
    });
  return json as GoldenJson;
}

function parseJson(path: string): unknown {
  try {
    // Python writes infinities and NaN as bare words.
    const text = readFileSync(path, "utf8").replace(/(?<=[[:,\s])(-?Infinity|NaN)(?=[\],}\s])/g, '"$1"');
    return JSON.parse(text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("format", {
      operation: `read ${path}`,
      message,
      hint: "copy the recordings again",
      cause,
    });
  }
}
