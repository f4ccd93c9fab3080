/**
 * @file What a pickle may hold for us: plain data. Python's dicts are Maps, so that no key, `__proto__` included, means anything;
 * its tuples are frozen arrays.
 */

/** What dicts are keyed by. */
export type PickleKey = string | number | bigint | boolean | null;

/**
 * Plain data. Python's int and float are both numbers here; integers beyond 2^53 are bigints. A value may be referred to from
 * several places, but nothing contains itself.
 */
export type PickleValue =
  | PickleKey
  | Uint8Array
  | readonly PickleValue[]
  | Map<PickleKey, PickleValue>
  | PickleLeaf;

/** Data that a format adds: a tensor, a dtype. */
export abstract class PickleLeaf {
  /** Told to people. */
  abstract readonly description: string;
}

/** Python's `collections.OrderedDict`; attributes of the dict itself are not kept. */
export class OrderedDict extends Map<PickleKey, PickleValue> {}

/** Python's `argparse.Namespace`: attributes by name. */
export class Namespace extends Map<PickleKey, PickleValue> {}

/** For writing: a number that is a float in Python even where it is whole. Reading gives numbers. */
export class PythonFloat extends PickleLeaf {
  constructor(readonly value: number) {
    super();
  }

  get description(): string {
    return `float ${this.value}`;
  }
}

/** Python's tuple: freezes the array that is given. */
export function tuple<T>(items: T[]): readonly T[] {
  return Object.freeze(items);
}

/** Whether a value is a tuple. */
export function isTuple(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && Object.isFrozen(value);
}

/** Whether a value is a list. */
export function isList(value: unknown): value is unknown[] {
  return Array.isArray(value) && !Object.isFrozen(value);
}
