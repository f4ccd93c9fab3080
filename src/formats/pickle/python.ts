/** @file Names of Python's and numpy's that pickles of plain data use: ordered dicts, namespaces, bytes, numpy's single numbers. */
import { described, PickleConstructor, type PickleItem, PickleTool, type Refuse } from "./machine.js";
import { isTuple, Namespace, OrderedDict } from "./value.js";

/** `numpy.dtype` of one number. */
class NumpyType extends PickleTool {
  /** Of bytes. */
  order = "<";

  constructor(readonly code: string) {
    super();
  }

  get description(): string {
    return `numpy's ${this.code}`;
  }
}

type ReadNumber = (view: DataView) => number | bigint | boolean;

const numbers: Readonly<Record<string, readonly [bytes: number, read: ReadNumber]>> = {
  f8: [8, (view) => view.getFloat64(0, true)],
  f4: [4, (view) => view.getFloat32(0, true)],
  i8: [8, (view) => whole(view.getBigInt64(0, true))],
  u8: [8, (view) => whole(view.getBigUint64(0, true))],
  i4: [4, (view) => view.getInt32(0, true)],
  u4: [4, (view) => view.getUint32(0, true)],
  i2: [2, (view) => view.getInt16(0, true)],
  u2: [2, (view) => view.getUint16(0, true)],
  i1: [1, (view) => view.getInt8(0)],
  u1: [1, (view) => view.getUint8(0)],
  b1: [1, (view) => view.getUint8(0) !== 0],
};

function whole(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function numpyType([code]: readonly PickleItem[], refuse: Refuse): PickleItem {
  if (typeof code !== "string" || !Object.hasOwn(numbers, code))
    throw refuse("a numpy type of one number", described(code ?? null));
  return new NumpyType(code);
}

function numpyNumber([type, bytes]: readonly PickleItem[], refuse: Refuse): PickleItem {
  if (!(type instanceof NumpyType) || !(bytes instanceof Uint8Array))
    throw refuse("a numpy type and bytes", `${described(type ?? null)} and ${described(bytes ?? null)}`);
  const [length, read] = numbers[type.code]!;
  if (bytes.length !== length || type.order === ">")
    throw refuse(`${length} bytes, little endian`, `${bytes.length} in order '${type.order}'`);
  return read(new DataView(bytes.buffer, bytes.byteOffset, length));
}

/** Most bytes that the texts of one pickle may stand for: a text can be remembered, and meant again and again. */
const maximumEncoded = 1 << 26;

/** How protocols before 3 write bytes. */
function encoder(): PickleConstructor["make"] {
  let encoded = 0;
  return ([text, encoding], refuse) => {
    if (typeof text !== "string" || encoding !== "latin1")
      throw refuse("text in Latin-1", `${described(text ?? null)} in ${described(encoding ?? null)}`);
    encoded += text.length;
    if (encoded > maximumEncoded) throw refuse(`at most ${maximumEncoded} bytes`, "more");
    if (/[^\0-\xff]/.test(text)) throw refuse("text in Latin-1", described(text));
    return Uint8Array.from(Buffer.from(text, "latin1"));
  };
}

function withoutArguments(make: () => PickleItem): PickleConstructor["make"] {
  return (args, refuse) => {
    if (args.length > 0) throw refuse("no arguments", `${args.length}`);
    return make();
  };
}

/** What these names stand for, in one pickle. */
export function pythonGlobals(): Map<string, PickleItem> {
  const constructors = [
    new PickleConstructor(
      "collections.OrderedDict",
      withoutArguments(() => new OrderedDict()),
    ),
    new PickleConstructor(
      "argparse.Namespace",
      withoutArguments(() => new Namespace()),
    ),
    new PickleConstructor("_codecs.encode", encoder()),
    new PickleConstructor("numpy.dtype", numpyType),
    new PickleConstructor("numpy.core.multiarray.scalar", numpyNumber),
    new PickleConstructor("numpy._core.multiarray.scalar", numpyNumber),
  ];
  return new Map(constructors.map((one) => [one.name, one]));
}

/** Puts a state into what these names make. @returns whether it takes one */
export function buildPython(made: PickleItem, state: PickleItem, refuse: Refuse): boolean {
  if (made instanceof NumpyType) {
    const order = isTuple(state) ? state[1] : null;
    if (typeof order !== "string") throw refuse("a numpy type's state", described(state));
    made.order = order;
    return true;
  }
  if (!(made instanceof Namespace || made instanceof OrderedDict)) return false;
  if (!(state instanceof Map)) throw refuse("a dict as state", described(state));
  // What an ordered dict carries beside its items is no data: PyTorch notes versions of modules there.
  if (made instanceof OrderedDict) return true;
  for (const [name, value] of state) {
    if (typeof name !== "string") throw refuse("names of attributes", "other keys");
    (made as Map<string, PickleItem>).set(name, value);
  }
  return true;
}
