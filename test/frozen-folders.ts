/** @file Fixtures of frozen models: their folders, copies that say something else, and how far two tensors are apart. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stateFile, writeState } from "../src/nn/index.js";
import { scope, type Tensor, zeros } from "../src/tensor/index.js";

/** The folder of one configuration. */
export function fixtureFolder(model: "t5" | "clip" | "dino", kind: string): string {
  return fileURLToPath(new URL(`fixtures/frozen/${model}/${kind}/`, import.meta.url));
}

/** What the reference computed from a folder's weights. */
export function recorded(folder: string, name: string): Tensor {
  return stateFile(join(folder, "expected.safetensors")).read(name);
}

/** The largest difference as a share of the largest number; infinite where shapes differ. */
export function relativeError(got: Tensor, expected: Tensor): number {
  if (String(got.shape) !== String(expected.shape)) return Number.POSITIVE_INFINITY;
  return scope(() => got.sub(expected).abs().amax().item() / expected.abs().amax().item());
}

const copies: string[] = [];

/** A copy in which a JSON file says something else. */
export function copyWithJson(
  folder: string,
  file: string,
  change: (content: Record<string, unknown>) => Record<string, unknown>,
): string {
  const copy = copyOf(folder);
  const path = join(copy, file);
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, "utf8")))));
  return copy;
}

/** A copy of a folder with one file of weights, of which one is left out or has another name, or to which one is added. */
export async function copyWithWeights(
  folder: string,
  change:
    | { readonly without: string }
    | { readonly also: string }
    | { readonly rename: string; readonly to: string },
): Promise<string> {
  const copy = copyOf(folder);
  const path = join(copy, "model.safetensors");
  const source = stateFile(path);
  const state = [...source.shapes.keys()]
    .filter((name) => !("without" in change && change.without === name))
    .map(
      (name) => ["rename" in change && change.rename === name ? change.to : name, source.read(name)] as const,
    );
  await writeState(path, "also" in change ? [...state, [change.also, zeros([1])]] : state);
  return copy;
}

/** Removes every copy. */
export function removeCopies(): void {
  for (const copy of copies.splice(0)) rmSync(copy, { recursive: true });
}

function copyOf(folder: string): string {
  const copy = mkdtempSync(join(tmpdir(), "dream-frozen-"));
  copies.push(copy);
  cpSync(folder, copy, { recursive: true });
  return copy;
}
