/**
 * @file The operations of pickle's protocols 0 to 5, by their codes (Python's `pickletools` describes each). Those that no data of
 * ours needs are left out: sets, byte arrays, buffers beside the pickle, the extension registry, ids as text.
 */
import {
  escapedText,
  floatOfText,
  integerOfBytes,
  integerOfText,
  quotedText,
  wholeOfText,
} from "./literals.js";
import type { PickleItem, PickleMachine } from "./machine.js";
import { tuple } from "./value.js";

type Operation = (machine: PickleMachine) => void;

const push =
  (item: (machine: PickleMachine) => PickleItem): Operation =>
  (machine) =>
    machine.push(item(machine));

/** The last so many items as a tuple. */
const tupleFromTop =
  (count: number): Operation =>
  (machine) => {
    const items: PickleItem[] = [];
    for (let i = 0; i < count; i++) items.unshift(machine.pop());
    machine.push(tuple(items));
  };

function dictOf(machine: PickleMachine): void {
  const items = machine.popToMark();
  machine.push(new Map());
  machine.setItems(items);
}

function inTwoLines(machine: PickleMachine): PickleItem {
  const module = machine.cursor.line();
  return machine.named(module, machine.cursor.line());
}

function inTwoStrings(machine: PickleMachine): PickleItem {
  const name = machine.pop();
  const module = machine.pop();
  if (typeof module !== "string" || typeof name !== "string")
    throw machine.refuse("a module and a name", "other values");
  return machine.named(module, name);
}

function callWithTuple(machine: PickleMachine): void {
  const args = machine.pop();
  machine.construct(machine.pop(), args);
}

/** The first after the mark is called with the others. */
function callFromMark(machine: PickleMachine): void {
  const [called, ...args] = machine.popToMark();
  if (called === undefined) throw machine.refuse("something to call", "nothing");
  machine.construct(called, tuple(args));
}

function namedFromMark(machine: PickleMachine): void {
  const called = inTwoLines(machine);
  machine.construct(called, tuple(machine.popToMark()));
}

function checkProtocol({ cursor }: PickleMachine): void {
  const protocol = cursor.uint8();
  if (protocol > 5) throw cursor.refuse("pickle protocol 5 or older", `protocol ${protocol}`);
}

function checkFrame({ cursor }: PickleMachine): void {
  const length = cursor.uint64();
  if (length > cursor.left) throw cursor.refuse(`a frame of ${length} bytes`, `${cursor.left} left`);
}

const listed: Readonly<Record<string, Operation>> = {
  // The stack and the memo.
  "(": (machine) => machine.mark(),
  "0": (machine) => machine.drop(),
  "1": (machine) => machine.popToMark(),
  "2": (machine) => machine.push(machine.top()),
  p: (machine) => machine.remember(wholeOfText(machine.cursor)),
  q: (machine) => machine.remember(machine.cursor.uint8()),
  r: (machine) => machine.remember(machine.cursor.uint32()),
  "\x94": (machine) => machine.remember(),
  g: (machine) => machine.recall(wholeOfText(machine.cursor)),
  h: (machine) => machine.recall(machine.cursor.uint8()),
  j: (machine) => machine.recall(machine.cursor.uint32()),
  "\x80": checkProtocol,
  "\x95": checkFrame,
  // Literals.
  N: push(() => null),
  "\x88": push(() => true),
  "\x89": push(() => false),
  I: push(({ cursor }) => integerOfText(cursor.line(), cursor)),
  L: push(({ cursor }) => integerOfText(cursor.line().replace(/L$/, ""), cursor)),
  F: push(({ cursor }) => floatOfText(cursor.line(), cursor)),
  J: push(({ cursor }) => cursor.int32()),
  K: push(({ cursor }) => cursor.uint8()),
  M: push(({ cursor }) => cursor.uint16()),
  G: push(({ cursor }) => cursor.float64()),
  "\x8a": push(({ cursor }) => integerOfBytes(cursor.take(cursor.uint8()), cursor)),
  "\x8b": push(({ cursor }) => integerOfBytes(cursor.take(cursor.uint32()), cursor)),
  S: push(({ cursor }) => quotedText(cursor.line(), cursor)),
  V: push(({ cursor }) => escapedText(cursor.longLine(), cursor)),
  X: push(({ cursor }) => cursor.text(cursor.uint32())),
  T: push(({ cursor }) => cursor.text(cursor.uint32())),
  U: push(({ cursor }) => cursor.text(cursor.uint8())),
  "\x8c": push(({ cursor }) => cursor.text(cursor.uint8())),
  "\x8d": push(({ cursor }) => cursor.text(cursor.uint64())),
  B: push(({ cursor }) => cursor.take(cursor.uint32()).slice()),
  C: push(({ cursor }) => cursor.take(cursor.uint8()).slice()),
  "\x8e": push(({ cursor }) => cursor.take(cursor.uint64()).slice()),
  // Containers.
  "]": push(() => []),
  "}": push(() => new Map()),
  ")": push(() => tuple([])),
  l: (machine) => machine.push(machine.popToMark()),
  t: (machine) => machine.push(tuple(machine.popToMark())),
  "\x85": tupleFromTop(1),
  "\x86": tupleFromTop(2),
  "\x87": tupleFromTop(3),
  d: dictOf,
  a: (machine) => machine.append([machine.pop()]),
  e: (machine) => machine.append(machine.popToMark()),
  s: (machine) => {
    const value = machine.pop();
    machine.setItems([machine.pop(), value]);
  },
  u: (machine) => machine.setItems(machine.popToMark()),
  // Names and what they make.
  c: push(inTwoLines),
  "\x93": push(inTwoStrings),
  R: callWithTuple,
  "\x81": callWithTuple,
  o: callFromMark,
  i: namedFromMark,
  b: (machine) => machine.build(),
  Q: push((machine) => machine.vocabulary.persistent(machine.pop(), machine.refuse)),
};

/** What an operation's code does; nothing for codes that are refused. */
export const operations: readonly (Operation | undefined)[] = Array.from(
  { length: 256 },
  (_, code) => listed[String.fromCharCode(code)],
);
