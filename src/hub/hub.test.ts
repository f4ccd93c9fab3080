import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { commit, type HubServer, startHub } from "../../test/hub-server.js";
import { DreamError } from "../errors.js";
import { checkedPath, isRepositoryName } from "./names.js";
import { type DownloadProgress, type HubOptions, resolveModel } from "./resolve-model.js";

const weights = Buffer.alloc(300_000, "weights of a model ");
const shard = Buffer.from("a shard");
const wanted = { files: ["config.json", ["model.safetensors", "model.safetensors.index.json"]] };

let hub: HubServer;
let options: HubOptions;

beforeEach(async () => {
  hub = await startHub(
    {
      "config.json": Buffer.from("{}"),
      "model.safetensors": weights,
      "vae/config.json": Buffer.from('{"vae": true}'),
      "sharded/model.safetensors.index.json": Buffer.from(
        JSON.stringify({
          weight_map: { a: "model-1.safetensors", b: "model-2.safetensors", c: "model-1.safetensors" },
        }),
      ),
      "sharded/model-1.safetensors": shard,
      "sharded/model-2.safetensors": weights,
    },
    ["model.safetensors", "sharded/model-1.safetensors", "sharded/model-2.safetensors"],
  );
  options = {
    cacheFolder: join(mkdtempSync(join(tmpdir(), "dream-hub-")), "hub"),
    endpoint: hub.endpoint,
    token: null,
    offline: false,
  };
});

afterEach(() => hub.close());

/** Everything in the cache, relative, folders left out. */
function cached(): string[] {
  return readdirSync(options.cacheFolder, { recursive: true })
    .map(String)
    .filter((path) => !statSync(join(options.cacheFolder, path), { throwIfNoEntry: false })?.isDirectory())
    .sort();
}

describe("a model of the hub", () => {
  it("comes into the shared cache in its layout, links and all", async () => {
    const folder = await resolveModel("owner/model", { ...wanted, ...options });
    const repository = join(options.cacheFolder, "models--owner--model");
    expect(folder).toBe(join(repository, "snapshots", commit));
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
    expect(readFileSync(join(repository, "refs", "main"), "utf8")).toBe(commit);
    expect(lstatSync(join(folder, "config.json")).isSymbolicLink()).toBe(true);
    // git's name for the two bytes {}, as the hub's ETag has it.
    expect(readdirSync(join(repository, "blobs")).sort()).toContain(
      "9e26dfeeb6e641a33dae4961196235bdb965b21b",
    );
    expect(cached()).toHaveLength(5);
  });

  it("is not asked for again, even where the server is gone", async () => {
    const folder = await resolveModel("owner/model", { ...wanted, ...options });
    const before = hub.requests.length;
    await hub.close();
    expect(await resolveModel("owner/model", { ...wanted, ...options })).toBe(folder);
    expect(await resolveModel("owner/model", { ...wanted, ...options, offline: true })).toBe(folder);
    expect(await resolveModel("owner/model", { ...wanted, ...options, revision: commit })).toBe(folder);
    expect(hub.requests.length).toBe(before);
  });

  it("brings what is missing of a revision that is known, and nothing else", async () => {
    await resolveModel("owner/model", { files: ["config.json"], ...options });
    await resolveModel("owner/model", { ...wanted, ...options });
    expect(hub.requests.filter((text) => text.includes("/resolve/"))).toHaveLength(2);
    expect(hub.requests[2]).toBe(`GET /api/models/owner/model/revision/${commit}?blobs=true`);
  });

  it("may be a folder of a repository, and in shards", async () => {
    const vae = await resolveModel("owner/model", { files: ["config.json"], subfolder: "vae", ...options });
    expect(JSON.parse(readFileSync(join(vae, "config.json"), "utf8"))).toEqual({ vae: true });
    const sharded = { files: [wanted.files[1]!], subfolder: "sharded", ...options };
    const folder = await resolveModel("owner/model", sharded);
    expect(readdirSync(folder).sort()).toEqual([
      "model-1.safetensors",
      "model-2.safetensors",
      "model.safetensors.index.json",
    ]);
    rmSync(join(folder, "model-1.safetensors"));
    await expect(resolveModel("owner/model", { ...sharded, offline: true })).rejects.toThrow(
      /not all of them/,
    );
    await resolveModel("owner/model", sharded);
    expect(readFileSync(join(folder, "model-1.safetensors")).equals(shard)).toBe(true);
  });

  it("that was laid down by Python is found without a request", async () => {
    const repository = join(options.cacheFolder, "models--owner--model");
    const snapshot = join(repository, "snapshots", "f".repeat(40));
    for (const folder of ["blobs", "refs", `snapshots/${"f".repeat(40)}`, ".no_exist"])
      mkdirSync(join(repository, folder), { recursive: true });
    writeFileSync(join(repository, "refs", "main"), "f".repeat(40));
    for (const file of ["config.json", "model.safetensors"]) {
      writeFileSync(join(repository, "blobs", `of-${file}`), file);
      symlinkSync(`../../blobs/of-${file}`, join(snapshot, file));
    }
    expect(await resolveModel("owner/model", { ...wanted, ...options })).toBe(snapshot);
    expect(hub.requests).toEqual([]);
    rmSync(join(repository, "blobs", "of-config.json"));
    await expect(resolveModel("owner/model", { ...wanted, ...options, offline: true })).rejects.toThrow(
      /config\.json, model\.safetensors or .* of revision main in .*\. Run this once without HF_HUB_OFFLINE/,
    );
    expect(hub.requests).toEqual([]);
  });

  it("needs a token where the hub says so, and shows it to the hub alone", async () => {
    hub.token = "hf_secret";
    await expect(resolveModel("owner/model", { ...wanted, ...options })).rejects.toThrow(
      /look up owner\/model: got 401 .*set HF_TOKEN to a token from http:.*\/settings\/tokens/,
    );
    const wrong = resolveModel("owner/model", { ...wanted, ...options, token: "hf_other" });
    await expect(wrong).rejects.toThrow(/the token in HF_TOKEN may not read it/i);
    await expect(wrong).rejects.not.toThrow(/hf_other/);
    await resolveModel("owner/model", { ...wanted, ...options, token: "hf_secret" });
    expect(hub.shownElsewhere).toEqual([undefined]);
  });

  it("whose download breaks is not whole, and goes on where it stopped", async () => {
    hub.cutAfter = 100_000;
    const progress: DownloadProgress[] = [];
    const again = () =>
      resolveModel("owner/model", { ...wanted, ...options, onDownload: (one) => progress.push(one) });
    await expect(again()).rejects.toThrow(/goes on where it stopped/);
    const [incomplete] = cached().filter((path) => path.endsWith(".incomplete"));
    expect(statSync(join(options.cacheFolder, incomplete!)).size).toBe(100_000);
    await expect(resolveModel("owner/model", { ...wanted, ...options, offline: true })).rejects.toThrow(
      DreamError,
    );
    hub.cutAfter = Number.POSITIVE_INFINITY;
    const folder = await again();
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
    expect(hub.requests.at(-1)).toMatch(/model\.safetensors bytes=100000-$/);
    expect(cached().some((path) => path.endsWith(".incomplete"))).toBe(false);
    expect(progress.at(-1)).toEqual({
      file: "model.safetensors",
      doneBytes: weights.length,
      totalBytes: weights.length,
    });
  });

  it("begins anew where the server cannot go on", async () => {
    hub.cutAfter = 100_000;
    await expect(resolveModel("owner/model", { ...wanted, ...options })).rejects.toThrow(DreamError);
    hub.cutAfter = Number.POSITIVE_INFINITY;
    hub.ranges = false;
    const folder = await resolveModel("owner/model", { ...wanted, ...options });
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
  });

  it("is thrown away where its content is not what the hub lists", async () => {
    hub.forged.set("model.safetensors", weights.subarray(0, 1000));
    await expect(resolveModel("owner/model", { ...wanted, ...options })).rejects.toThrow(
      /1000 of 300000 bytes came/,
    );
    for (const forged of [Buffer.alloc(weights.length, "other"), Buffer.concat([weights, shard])]) {
      hub.forged.set("model.safetensors", forged);
      await expect(resolveModel("owner/model", { ...wanted, ...options })).rejects.toThrow(
        /expected the content that the hub lists, got another/,
      );
      expect(cached().some((path) => /snapshots.*model\.safetensors/.test(path))).toBe(false);
    }
    hub.forged.clear();
    const folder = await resolveModel("owner/model", { ...wanted, ...options });
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
  });

  it("loaded twice at once is right", async () => {
    const both = await Promise.all([1, 2].map(() => resolveModel("owner/model", { ...wanted, ...options })));
    expect(readFileSync(join(both[1]!, "model.safetensors")).equals(weights)).toBe(true);
    expect(cached()).toHaveLength(5);
  });

  it("without the files wanted says what it has", async () => {
    await expect(resolveModel("owner/model", { files: ["pytorch_model.bin"], ...options })).rejects.toThrow(
      /expected pytorch_model\.bin, got config\.json, model\.safetensors, /,
    );
    await expect(resolveModel("owner/other", { ...wanted, ...options })).rejects.toThrow(
      /404.*check the model's name/i,
    );
    await hub.close();
    await expect(resolveModel("owner/model", { ...wanted, ...options })).rejects.toThrow(
      /ECONNREFUSED.*check the connection to http/i,
    );
  });

  it("writes nothing to stdout", async () => {
    const write = vi.spyOn(process.stdout, "write");
    const log = vi.spyOn(console, "debug");
    await resolveModel("owner/model", { ...wanted, ...options });
    expect(write).not.toHaveBeenCalled();
    expect(log).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});

describe("a name", () => {
  it("of a folder here is that folder", async () => {
    const here = mkdtempSync(join(tmpdir(), "dream-model-"));
    expect(await resolveModel(here, { ...wanted, ...options })).toBe(here);
    expect(await resolveModel(here, { ...wanted, subfolder: "vae", ...options })).toBe(join(here, "vae"));
    expect(hub.requests).toEqual([]);
  });

  it.each(["./nowhere", "/nowhere/at/all", "nowhere", "a/b/c", "../a", "a/..", "a--b/c", "a/b.git", ""])(
    "that is none is an error: %j",
    async (name) => {
      await expect(resolveModel(name, { ...wanted, ...options })).rejects.toThrow(/no such folder here/);
      expect(existsSync(options.cacheFolder)).toBe(false);
    },
  );

  it.each(["../main", "refs/../../x", "/etc/passwd", "a//b", "..", "a\0b", ""])(
    "of a revision, subfolder or file stays in its folder: %j",
    async (name) => {
      const refused = /plain names separated by \//;
      if (name !== "")
        await expect(resolveModel("owner/model", { ...wanted, subfolder: name, ...options })).rejects.toThrow(
          refused,
        );
      await expect(resolveModel("owner/model", { ...wanted, revision: name, ...options })).rejects.toThrow(
        refused,
      );
      await expect(resolveModel("owner/model", { files: [name], ...options })).rejects.toThrow(refused);
      expect(existsSync(options.cacheFolder)).toBe(false);
    },
  );

  it("of a shard stays in its folder", async () => {
    hub.files.set(
      "model.safetensors.index.json",
      Buffer.from('{"weight_map": {"a": "../../../../escaped.safetensors"}}'),
    );
    const files = ["model.safetensors.index.json"];
    await expect(resolveModel("owner/model", { files, ...options })).rejects.toThrow(
      /expected an index of shards in the same folder/,
    );
  });

  it("that is accepted never leads out", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[./\\a~:-]{0,12}$/)), (text) => {
        if (isRepositoryName(text)) expect(text).toMatch(/^[A-Za-z0-9][^/\\:\0]*\/[A-Za-z0-9][^/\\:\0]*$/);
        let accepted = true;
        try {
          checkedPath(text, "file name");
        } catch {
          accepted = false;
        }
        if (accepted) expect(join("/root", text)).toBe(`/root/${text}`);
      }),
      { numRuns: 2000 },
    );
  });
});
