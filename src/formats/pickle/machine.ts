/**
 * @file The state of a pickle's interpreter: a stack, marks on it, and a memo. It builds data out of data; what else a pickle asks
 * for by name must be in the vocabulary, or it is refused by that name. Nothing is ever imported, looked up or called beyond it.
 */
import type { DreamError } from "../../errors.js";
import type { PickleCursor } from "./cursor.js";
import { isList, isTuple, type PickleKey, PickleLeaf, type PickleValue } from "./value.js";

/** A means of building that is no data by itself: a constructor, a storage. */
export abstract class PickleTool {
  /** Told to people. */
  abstract readonly description: string;
}

/** What lies on the stack, and what containers hold until the pickle ends. */
export type PickleItem =
  | PickleKey
  | Uint8Array
  | readonly PickleItem[]
  | Map<PickleKey, PickleItem>
  | PickleLeaf
  | PickleTool;

/** Makes the error of an item that does not fit. */
export type Refuse = (expected: string, got: string) => DreamError;

/** A name that a pickle may call, and what calling it makes here. */
export class PickleConstructor extends PickleTool {
  constructor(
    readonly name: string,
    readonly make: (args: readonly PickleItem[], refuse: Refuse) => PickleItem,
  ) {
    super();
  }

  get description(): string {
    return `\`${this.name}\``;
  }
}

/** Everything that a pickle may name. */
export interface PickleVocabulary {
  /** What `module.name` stands for. */
  readonly globals: ReadonlyMap<string, PickleItem>;
  /** What a persistent id stands for. */
  readonly persistent: (id: PickleItem, refuse: Refuse) => PickleItem;
  /** Puts a state into something that was made. @returns whether that thing takes one */
  readonly build: (made: PickleItem, state: PickleItem, refuse: Refuse) => boolean;
  /** Told where a name is refused: what is read. */
  readonly reads: string;
}

/** More work is refused: an operation makes at most one value, so this bounds memory and time. A tensor takes about 30. */
const maximumOperations = 2_000_000;

export class PickleMachine {
  #operations = 0;
  readonly #stack: PickleItem[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleItem>();
  readonly refuse: Refuse;

  constructor(
    readonly cursor: PickleCursor,
    readonly vocabulary: PickleVocabulary,
  ) {
    this.refuse = (expected, got) => cursor.refuse(expected, got);
  }

  /** Counts work that is about to be done, in operations. */
  spend(operations: number): void {
    this.#operations += operations;
    if (this.#operations > maximumOperations)
      throw this.refuse(`at most ${maximumOperations} operations`, "more");
  }

  push(item: PickleItem): void {
    this.#stack.push(item);
  }

  /** The top, which stays. */
  top(): PickleItem {
    if (this.#stack.length <= this.#floor()) throw this.refuse("something on the stack", "nothing");
    return this.#stack.at(-1)!;
  }

  pop(): PickleItem {
    const item = this.top();
    this.#stack.pop();
    return item;
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  /** Everything above the last mark, taken off with the mark. */
  popToMark(): PickleItem[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.refuse("a mark on the stack", "none");
    return this.#stack.splice(mark);
  }

  /** Takes off the top, or the mark that is there. */
  drop(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  /** The one thing that is left at the end. */
  result(): PickleItem {
    if (this.#marks.length > 0 || this.#stack.length !== 1)
      throw this.refuse("one value at the end", `${this.#stack.length} and ${this.#marks.length} marks`);
    return this.#stack[0]!;
  }

  remember(key = this.#memo.size): void {
    this.#memo.set(key, this.top());
  }

  recall(key: number): void {
    const item = this.#memo.get(key);
    if (item === undefined)
      throw this.refuse("a remembered value", `number ${key}, which was not remembered`);
    this.push(item);
  }

  /** What a name stands for. */
  named(module: string, name: string): PickleItem {
    const full = `${module}.${name}`;
    const item = this.vocabulary.globals.get(full);
    if (item !== undefined) return item;
    throw this.cursor.error({
      message: `refuses ${quoted(full)}`,
      hint: `only ${this.vocabulary.reads} are read; other names could run code. Ask for a file that holds nothing else`,
    });
  }

  /** Calls what may be called. */
  construct(called: PickleItem, args: PickleItem): void {
    if (!(called instanceof PickleConstructor)) throw this.refuse("something to call", described(called));
    if (!isTuple(args)) throw this.refuse(`a tuple for ${called.description}`, described(args));
    this.push(called.make(args, this.refuse));
  }

  /** Puts the state on the top into what lies below. */
  build(): void {
    const state = this.pop();
    const made = this.top();
    // A state can be put into many things, and is copied each time.
    if (state instanceof Map) this.spend(state.size);
    if (!this.vocabulary.build(made, state, this.refuse))
      throw this.refuse("something that takes a state", described(made));
  }

  /** Appends to the list on the top. */
  append(items: readonly PickleItem[]): void {
    const list = this.top();
    if (!isList(list)) throw this.refuse("a list", described(list));
    for (const item of items) list.push(item);
  }

  /** Sets keys and values, alternating, in the dict on the top. */
  setItems(items: readonly PickleItem[]): void {
    const dict = this.top();
    if (!(dict instanceof Map)) throw this.refuse("a dict", described(dict));
    if (items.length % 2 !== 0) throw this.refuse("keys and values", "a key without a value");
    for (let i = 0; i < items.length; i += 2) dict.set(this.#key(items[i]!), items[i + 1]!);
  }

  #key(item: PickleItem): PickleKey {
    if (item === null || typeof item !== "object") return item;
    throw this.refuse("a string, number or None as key", described(item));
  }

  #floor(): number {
    return this.#marks.at(-1) ?? 0;
  }
}

/** What an item is, in a few words. */
export function described(item: PickleItem | PickleValue): string {
  if (item === null) return "None";
  if (item instanceof PickleTool || item instanceof PickleLeaf) return item.description;
  if (item instanceof Uint8Array) return `${item.length} bytes`;
  if (item instanceof Map) return `a dict of ${item.size}`;
  if (Array.isArray(item)) return `a ${isTuple(item) ? "tuple" : "list"} of ${item.length}`;
  return typeof item === "string" ? quoted(item) : String(item);
}

/** Text of strangers, on one line and not too long. */
function quoted(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 80)}...` : text;
  return /^[\w.]+$/.test(text) ? `\`${short}\`` : JSON.stringify(short);
}
