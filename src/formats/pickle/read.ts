/** @file Reading a pickle as data. A pickle is a program; this runs the part of it that builds plain data, and refuses the rest. */
import { PickleCursor, type PickleSource } from "./cursor.js";
import { PickleMachine, type PickleVocabulary } from "./machine.js";
import { operations } from "./operations.js";
import { requirePlain } from "./plain.js";
import type { PickleValue } from "./value.js";

const stop = ".".charCodeAt(0);

/**
 * Builds what a pickle describes. Nothing in it is ever executed.
 * @param vocabulary everything that it may name
 * @throws DreamError `format` with the file and the byte: damaged, larger or deeper than any checkpoint, or naming anything else
 */
export function readPickle(
  bytes: Uint8Array,
  source: PickleSource,
  vocabulary: PickleVocabulary,
): PickleValue {
  const cursor = new PickleCursor(bytes, source);
  const machine = new PickleMachine(cursor, vocabulary);
  for (;;) {
    const code = cursor.operation();
    if (code === stop) {
      if (cursor.left > 0) throw cursor.refuse("the end", `${cursor.left} more bytes`);
      return requirePlain(machine.result(), machine.refuse);
    }
    const operation = operations[code];
    if (operation === undefined) throw cursor.refuse("a known operation", `code 0x${code.toString(16)}`);
    machine.spend(1);
    operation(machine);
  }
}
