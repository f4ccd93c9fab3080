import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodePicture } from "../formats/images.js";
import { openSafetensors } from "../formats/safetensors.js";
import { packageRoot } from "../tensor/native.js";
import { decodeQuickly } from "./decode.js";

const fixture = openSafetensors(join(packageRoot(), "test/fixtures/pictures/decoding.safetensors"));
const files = JSON.parse(fixture.metadata.files!) as Record<string, string | null>;
const names = Object.keys(files);

/** What Pillow reads in a way that nobody wants: 16 bits of grey, of which all above 255 become white. */
const deviations = ["deep-grey.png"];

const fileOf = (name: string): Uint8Array =>
  fixture.tensors.get(`${name}.file`)?.bytes() ?? new Uint8Array(0);

describe.each([
  ["slowly", decodePicture],
  ["quickly", decodeQuickly],
] as const)("decoding %s", (_, decode) => {
  it.each(names.filter((name) => files[name] !== null && !deviations.includes(name)))(
    "%s gives Pillow's pixels",
    async (name) => {
      const expected = fixture.tensors.get(`${name}.pixels`)!;
      const { width, height, data } = await decode(fileOf(name), name);
      expect([height, width, 3]).toEqual(expected.shape);
      expect(Buffer.from(data).equals(Buffer.from(expected.bytes()))).toBe(true);
    },
  );

  it("deep-grey.png keeps its upper 8 bits", async () => {
    const { data } = await decode(fileOf("deep-grey.png"), "deep");
    expect(new Set(data).size).toBeGreaterThan(50);
  });

  it.each(names.filter((name) => files[name] === null))(
    "%s is refused by name, as by Pillow",
    async (name) => {
      const refused = decode(fileOf(name), `shard.tar: ${name}`);
      await expect(refused).rejects.toMatchObject({ name: "DreamError", code: "format" });
      await expect(decode(fileOf(name), `shard.tar: ${name}`)).rejects.toThrow(`shard.tar: ${name}`);
    },
  );
});
