/** @file Fields of a protobuf message as bytes, as far as we write them. Fields stand in the order of their numbers. */

/** How a field's value is kept. */
const wire = { varint: 0, eightBytes: 1, counted: 2, fourBytes: 5 } as const;

/** A whole number of at least 0. */
export function varintField(field: number, value: number): Uint8Array {
  return Buffer.concat([key(field, wire.varint), varint(value)]);
}

export function doubleField(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(field, wire.eightBytes), bytes]);
}

export function floatField(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, wire.fourBytes), bytes]);
}

/** Bytes, text in UTF-8, or a message of these fields. */
export function countedField(field: number, value: string | Uint8Array | readonly Uint8Array[]): Uint8Array {
  const bytes = Array.isArray(value) ? Buffer.concat(value) : Buffer.from(value as string | Uint8Array);
  return Buffer.concat([key(field, wire.counted), varint(bytes.length), bytes]);
}

function key(field: number, kind: (typeof wire)[keyof typeof wire]): Uint8Array {
  return varint(8 * field + kind);
}

/** Seven bits a byte, the lowest first; all bytes but the last have their highest bit set. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  // Division, since a step or a size may need more than the 32 bits of a shift.
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return Uint8Array.from([...bytes, value]);
}
