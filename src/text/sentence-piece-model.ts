/**
 * @file SentencePiece's `spiece.model`, a protocol buffer (sentencepiece_model.proto): its pieces and its character map; the rest
 * is passed over.
 */
import { malformed } from "./tokenizer-files.js";

export interface SentencePiece {
  readonly piece: string;
  /** Logarithmic probability. */
  readonly score: number;
  readonly kind: "normal" | "unknown" | "control";
}

/** @throws DreamError `format` where the file is cut short, or is no unigram model without byte pieces */
export function readSentencePieceModel(
  path: string,
  bytes: Uint8Array,
): { pieces: SentencePiece[]; characterMap: Uint8Array } {
  const pieces: SentencePiece[] = [];
  let characterMap = new Uint8Array();
  for (const { number, value } of fields(path, bytes)) {
    if (!(value instanceof Uint8Array)) continue;
    if (number === 1) pieces.push(readPiece(path, value));
    if (number === 2)
      for (const field of fields(path, value))
        if (field.number === 3 && field.value !== 1)
          throw malformed(path, "a unigram model", `model type ${field.value}`);
    if (number === 3)
      for (const field of fields(path, value))
        if (field.number === 2 && field.value instanceof Uint8Array)
          characterMap = Uint8Array.from(field.value);
  }
  return { pieces, characterMap };
}

const kinds = new Map<number, SentencePiece["kind"]>([
  [1, "normal"],
  [2, "unknown"],
  [3, "control"],
]);

function readPiece(path: string, bytes: Uint8Array): SentencePiece {
  let [piece, score, type] = ["", 0, 1];
  for (const { number, value } of fields(path, bytes)) {
    if (number === 1 && value instanceof Uint8Array) piece = new TextDecoder().decode(value);
    if (number === 2 && typeof value === "number") score = value;
    if (number === 3 && typeof value === "number") type = value;
  }
  const kind = kinds.get(type);
  if (kind === undefined) throw malformed(path, "pieces as T5 has them", `"${piece}" of type ${type}`);
  return { piece, score, kind };
}

/** A message's fields: whole numbers and float32 as numbers, all else as bytes. */
function* fields(path: string, bytes: Uint8Array): Generator<{ number: number; value: number | Uint8Array }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (count: number): number => {
    if (at + count > bytes.length) throw malformed(path, `${count} more bytes`, `${bytes.length - at}`);
    at += count;
    return at - count;
  };
  const whole = (): number => {
    for (let value = 0, weight = 1; weight <= 2 ** 63; weight *= 128) {
      const byte = bytes[take(1)]!;
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) return value;
    }
    throw malformed(path, "whole numbers of 64 bits", "a longer one");
  };
  while (at < bytes.length) {
    const key = whole();
    const number = Math.floor(key / 8);
    const wire = key % 8;
    if (wire === 0) yield { number, value: whole() };
    else if (wire === 5) yield { number, value: view.getFloat32(take(4), true) };
    else if (wire === 1) yield { number, value: bytes.subarray(take(8), at) };
    else if (wire === 2) {
      const length = whole();
      const start = take(length);
      yield { number, value: bytes.subarray(start, at) };
    } else throw malformed(path, "a protocol buffer", `wire type ${wire}`);
  }
}
