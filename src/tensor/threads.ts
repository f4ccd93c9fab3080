/**
 * @file What threads of this program need of one another: the file that a thread begins with, and a tensor's bytes. Each thread has a table
 * of tensors of its own, so they go from one to the other as a ticket.
 */
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { native, packageRoot } from "./native.js";
import { guard, type Tensor } from "./tensor.js";

/** A number under which another thread takes a tensor's bytes, once. */
export type Ticket = number;

/** Leaves the bytes of a contiguous tensor on the CPU to be taken by another thread, where they lie. */
export function shareBytes(tensor: Tensor): Ticket {
  return guard("shareBytes", [tensor], () => native.share(tensor.slot));
}

/** The bytes that another thread shared: no copy, but the tensor's own memory, which lives as long as the tensor or these. */
export function takeBytes(ticket: Ticket): Uint8Array {
  return guard("takeBytes", [], () => new Uint8Array(native.take(ticket)));
}

/**
 * The file that a thread begins with, beside its caller. A thread runs JavaScript; where the caller is still TypeScript, which is in
 * tests, it is what was built from it.
 * @param callerUrl its `import.meta.url`
 */
export function threadFile(callerUrl: string, name: string): string {
  const caller = fileURLToPath(callerUrl);
  const folder = dirname(caller);
  if (!caller.endsWith(".ts")) return join(folder, `${name}.js`);
  return join(packageRoot(), "dist", relative(join(packageRoot(), "src"), folder), `${name}.js`);
}
