/**
 * @file What threads of this program need of one another: the file that a thread begins with, and the same tensor in both. Each thread
 * has a table of tensors of its own, so a tensor goes from one to the other as a ticket.
 */
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { native, packageRoot } from "./native.js";
import { guard, Tensor } from "./tensor.js";

/** A number under which another thread takes the same tensor, once. */
export type Ticket = number;

/** Leaves a tensor to be taken by another thread. Both then have it, in the same memory. */
export function shareTensor(tensor: Tensor): Ticket {
  return guard("shareTensor", [tensor], () => native.share(tensor.slot));
}

/** The tensor that another thread shared; it lives as long as either has it. */
export function takeTensor(ticket: Ticket): Tensor {
  return guard("takeTensor", [], () => new Tensor(native.take(ticket)));
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
