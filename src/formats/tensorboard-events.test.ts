import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ReadEvent, readEventFiles, readRecords } from "../../test/tensorboard.js";
import { crc32c } from "./crc32c.js";
import { EventFile, encodeEvent, frameRecord, type TensorboardEvent } from "./tensorboard-events.js";

const fixtures = join(import.meta.dirname, "../../test/fixtures/tensorboard");

/** The events that the fixture was made of; JSON has pictures in base64. */
const events = JSON.parse(readFileSync(join(fixtures, "events.json"), "utf8"), (key, value) =>
  key === "png" ? Buffer.from(value, "base64") : value,
) as TensorboardEvent[];

const folder = (): string => mkdtempSync(join(tmpdir(), "dream-events-"));

describe("TensorBoard's event files", () => {
  it("are, byte for byte, what TensorBoard's own writer makes of the same events", () => {
    const theirs = readFileSync(join(fixtures, "events.tfevents"));
    expect(Buffer.concat(events.map((event) => frameRecord(encodeEvent(event)))).equals(theirs)).toBe(true);
  });

  it("hold any bytes in records whose checksums fit", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (records) => {
        const framed = Buffer.concat(records.map(frameRecord));
        expect(framed).toHaveLength(records.reduce((sum, { length }) => sum + length + 16, 0));
        expect(readRecords(framed).map((one) => [...one])).toEqual(records.map((one) => [...one]));
      }),
    );
  });

  it("give steps of any size and values of float32 back", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 40 }),
        fc.float({ noNaN: true }),
        fc.string(),
        (step, value, tag) => {
          const path = folder();
          const content = { kind: "summaries", summaries: [{ kind: "scalar", tag, value }] } as const;
          writeFileSync(join(path, "one"), frameRecord(encodeEvent({ wallSeconds: 0, step, content })));
          const [[event]] = readEventFiles(path) as [[ReadEvent]];
          expect(event.step).toBe(step);
          expect(event.scalars[Buffer.from(tag).toString()]).toBe(value);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("begin with their version, and a later one has a later name, even in the same second", () => {
    const path = folder();
    for (const step of [1, 2, 3]) new EventFile(path).append(step, { kind: "start" });
    const names = readdirSync(path).sort();
    expect(names).toHaveLength(3);
    for (const name of names) expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\./);
    const files = readEventFiles(path);
    expect(files.map((file) => file.map(({ step, isStart }) => [step, isStart]))).toEqual(
      [1, 2, 3].map((step) => [
        [0, false],
        [step, true],
      ]),
    );
  });

  it("name the folder that cannot be written", () => {
    const path = join(folder(), "taken");
    writeFileSync(path, "a file");
    expect(() => new EventFile(path)).toThrow(/write .*taken/);
  });
});

it("CRC-32C has the check value of its definition", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
});
