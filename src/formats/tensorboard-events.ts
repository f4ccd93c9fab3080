/**
 * @file TensorBoard's event files: TFRecords of `Event` messages, appended as they happen. Field numbers are those of TensorBoard's
 * `event.proto`, `summary.proto` and `tensor.proto`.
 */
import { appendFileSync, mkdirSync, readdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { writeFailure } from "./atomic.js";
import { crc32c } from "./crc32c.js";
import { countedField, doubleField, floatField, varintField } from "./protobuf.js";

/** What TensorBoard shows under a tag. */
export type Summary =
  | { readonly kind: "scalar"; readonly tag: string; readonly value: number }
  | {
      readonly kind: "picture";
      readonly tag: string;
      readonly width: number;
      readonly height: number;
      readonly png: Uint8Array;
    }
  /** Shown as Markdown. */
  | { readonly kind: "text"; readonly tag: string; readonly text: string };

/** What a record of an event file says. */
export type EventContent =
  /** The first one of a file. */
  | { readonly kind: "version" }
  /** A run begins here or goes on: what earlier files have of this step and after is not shown any more. */
  | { readonly kind: "start" }
  | { readonly kind: "summaries"; readonly summaries: readonly Summary[] };

export interface TensorboardEvent {
  /** Since 1970. */
  readonly wallSeconds: number;
  readonly step: number;
  readonly content: EventContent;
}

const fileVersion = "brain.Event:2";
const stringType = 7;
const rgb = 3;
const sessionStart = 1;

/** An `Event` message. */
export function encodeEvent({ wallSeconds, step, content }: TensorboardEvent): Uint8Array {
  const when = [doubleField(1, wallSeconds), ...(step === 0 ? [] : [varintField(2, step)])];
  return Buffer.concat([...when, encodeContent(content)]);
}

function encodeContent(content: EventContent): Uint8Array {
  switch (content.kind) {
    case "version":
      return countedField(3, fileVersion);
    case "start":
      return countedField(7, [varintField(1, sessionStart)]);
    case "summaries":
      return countedField(
        5,
        content.summaries.map((one) => countedField(1, [countedField(1, one.tag), encodeValue(one)])),
      );
    default:
      throw new Error(`internal: no event of ${content satisfies never}`);
  }
}

function encodeValue(summary: Summary): Uint8Array {
  switch (summary.kind) {
    case "scalar":
      return floatField(2, summary.value);
    case "picture":
      return countedField(4, [
        varintField(1, summary.height),
        varintField(2, summary.width),
        varintField(3, rgb),
        countedField(4, summary.png),
      ]);
    case "text": {
      const one = countedField(2, [countedField(2, [varintField(1, 1)])]);
      const tensor = countedField(8, [varintField(1, stringType), one, countedField(8, summary.text)]);
      return Buffer.concat([tensor, countedField(9, [countedField(1, [countedField(1, "text")])])]);
    }
    default:
      throw new Error(`internal: no summary of ${summary satisfies never}`);
  }
}

/** A TFRecord: length, its checksum, the bytes, their checksum. */
export function frameRecord(bytes: Uint8Array): Uint8Array {
  const framed = Buffer.alloc(bytes.length + 16);
  framed.writeBigUInt64LE(BigInt(bytes.length));
  framed.writeUInt32LE(maskedChecksum(framed.subarray(0, 8)), 8);
  framed.set(bytes, 12);
  framed.writeUInt32LE(maskedChecksum(bytes), 12 + bytes.length);
  return framed;
}

/** Turned and shifted, so that a checksum of bytes that contain checksums stays a good one. */
function maskedChecksum(bytes: Uint8Array): number {
  const sum = crc32c(bytes);
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}

/** A new event file in a folder, after those that are there; appended event by event. */
export class EventFile {
  readonly path: string;

  /** @throws DreamError `io` where the folder cannot be written */
  constructor(folder: string) {
    try {
      mkdirSync(folder, { recursive: true });
    } catch (cause) {
      throw writeFailure(folder, cause);
    }
    const seconds = String(nextSeconds(folder)).padStart(10, "0");
    this.path = join(folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}`);
    this.append(0, { kind: "version" });
  }

  /** @throws DreamError `io` where the disk is full */
  append(step: number, content: EventContent): void {
    const event = encodeEvent({ wallSeconds: Date.now() / 1000, step, content });
    try {
      appendFileSync(this.path, frameRecord(event));
    } catch (cause) {
      throw writeFailure(this.path, cause);
    }
  }
}

/** TensorBoard reads a folder's files in the order of their names, which begin with the time: a later file has a later one. */
function nextSeconds(folder: string): number {
  const taken = readdirSync(folder).map((name) =>
    Number(/^events\.out\.tfevents\.(\d+)/.exec(name)?.[1] ?? 0),
  );
  return Math.max(Math.floor(Date.now() / 1000), ...taken.map((seconds) => seconds + 1));
}
