import { crc32 } from "node:zlib";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodePicture, encodePng } from "./images.js";

const picture = { width: 5, height: 3, data: Uint8Array.from({ length: 45 }, (_, i) => (i * 37) % 256) };

describe("pictures", () => {
  it("come back from PNG as they were, with text inside", async () => {
    const png = await encodePng(picture, { parameters: "a red circle – seed 7" });
    const back = await decodePicture(png, "own.png");
    expect([back.width, back.height, Array.from(back.data)]).toEqual([5, 3, Array.from(picture.data)]);
    expect(Buffer.from(png).toString("utf8")).toContain("a red circle – seed 7");
  });

  it("carry chunks whose checksums are right", async () => {
    const png = Buffer.from(await encodePng(picture, { note: "x" }));
    const at = png.indexOf("iTXt");
    const length = png.readUInt32BE(at - 4);
    expect(png.readUInt32BE(at + 4 + length)).toBe(crc32(png.subarray(at, at + 4 + length)));
  });

  it("are read from JPEG and WebP, grey and transparent ones too", async () => {
    for (const format of ["jpeg", "webp"] as const) {
      const bytes = await sharp(picture.data, { raw: { width: 5, height: 3, channels: 3 } })
        .toFormat(format)
        .toBuffer();
      expect(await decodePicture(bytes, format)).toMatchObject({ width: 5, height: 3 });
    }
    const grey = await sharp(new Uint8Array(15), { raw: { width: 5, height: 3, channels: 1 } })
      .toColourspace("b-w")
      .png()
      .toBuffer();
    expect((await decodePicture(grey, "grey")).data.length).toBe(45);
    const clear = await sharp({ create: { width: 2, height: 2, channels: 4, background: "#ff000080" } })
      .png()
      .toBuffer();
    expect((await decodePicture(clear, "clear")).data.length).toBe(12);
  });

  it("are refused by name where damaged or of another format", async () => {
    const png = await encodePng(picture);
    await expect(decodePicture(png.subarray(0, png.length - 20), "shard.tar:0001.png")).rejects.toThrow(
      /shard\.tar:0001\.png/,
    );
    await expect(decodePicture(Buffer.from("<svg/>"), "x.svg")).rejects.toMatchObject({ code: "format" });
    await expect(decodePicture(new Uint8Array(0), "x.png")).rejects.toThrow(/no bytes/);
  });
});
