import { mkdtempSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hubOptions } from "./hub-options.js";

describe("the hub's options", () => {
  it("are Hugging Face's own where nothing is said", () => {
    const { cacheFolder, endpoint, offline } = hubOptions({});
    expect({ cacheFolder, endpoint, offline }).toEqual({
      cacheFolder: join(homedir(), ".cache", "huggingface", "hub"),
      endpoint: "https://huggingface.co",
      offline: false,
    });
  });

  it("come from the environment, and the token from its file", () => {
    const home = mkdtempSync(join(tmpdir(), "dream-home-"));
    expect(hubOptions({ HF_HOME: home })).toMatchObject({ cacheFolder: join(home, "hub"), token: null });
    writeFileSync(join(home, "token"), "hf_file\n");
    expect(hubOptions({ HF_HOME: home }).token).toBe("hf_file");
    expect(
      hubOptions({
        HF_HOME: home,
        HF_TOKEN: "hf_said",
        HF_HUB_CACHE: "/elsewhere",
        HF_ENDPOINT: "http://localhost:8080/",
        HF_HUB_OFFLINE: "1",
      }),
    ).toEqual({
      cacheFolder: "/elsewhere",
      token: "hf_said",
      endpoint: "http://localhost:8080",
      offline: true,
    });
  });

  it("refuse an address that is none", () => {
    for (const address of ["huggingface.co", "file:///etc", "ftp://host"])
      expect(() => hubOptions({ HF_ENDPOINT: address })).toThrow(/read HF_ENDPOINT: expected an address/);
  });
});
