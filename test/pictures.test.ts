/** @file Real pictures and real text, without a network, in real processes: shards, frozen models, cache, training, checkpoints for PyTorch and back, publishing, drawing. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { centreCrop } from "../src/data/centre-crop.js";
import { openSamples } from "../src/data/open-samples.js";
import { decodePicture } from "../src/formats/images.js";
import { openSafetensors } from "../src/formats/safetensors.js";
import { ClipModel } from "../src/models/frozen/clip.js";
import { normaliseBytes, readPreparation } from "../src/models/frozen/preprocessing.js";
import { tensor, tensorFromBytes } from "../src/tensor/index.js";
import { ClipTokenizer } from "../src/text/clip-tokenizer.js";
import { writePhotos } from "./captioned-pictures.js";
import { dream, linesOf, root } from "./process.js";

const folder = mkdtempSync(join(tmpdir(), "dream-pictures-"));
const at = (name: string): string => join(folder, name);
const [photos, cache, recipe] = [at("photos"), at("cache"), at("tiny.yaml")];
const parts = at("parts");
const steps = ["--steps", "12"];
const lastState = join("checkpoints", "step-00000012", "state.safetensors");
const prompt = "a small red circle";

/** One picture is no picture, one is cut short. */
const broken = [17, 40];
const samples = 56;

const python = ["/usr/bin/python3", "python3"].find(
  (path) => spawnSync(path, ["-c", "import torch"]).status === 0,
);

const ok = async (...args: string[]): Promise<string> => {
  const { code, out, err } = await dream(args);
  expect(code, err).toBe(0);
  return out;
};

beforeAll(async () => {
  cpSync(join(root, "test", "fixtures", "tiny-parts"), parts, { recursive: true });
  await writePhotos(photos, samples, broken);
  writeFileSync(
    recipe,
    `extends: dream-b
name: tiny
precision: float32
data: { kind: pictures, sizePixels: 32, crop: { kind: centre }, flip: 0.5, brokenShare: 0.05 }
codec: { kind: vae, model: ${parts}/vae, scale: 0.18215 }
captions: { kind: t5, tokenizer: ${parts}/clip, model: ${parts}/t5 }
model:
  latent: { side: 4, channels: 4, patch: 1 }
  encoder: { width: 32, depth: 2, heads: 4, mlpWidth: 64 }
  decoder: { width: 32, depth: 2, heads: 4, mlpWidth: 64 }
  bufferTokens: 4
  textTower: { width: 32, depth: 2, heads: 8, contextLength: 24, vocabulary: 344 }
  captions: { kind: states, length: 16, width: 16 }
  alignerDepth: 1
  joint: { width: 20, image: { kind: post-batch-norm, hiddenWidth: 40 } }
  head: { depth: 2, width: 32 }
  diffusion: { kind: noise, sampling: "5" }
  drawsPerToken: 2
batchSize: 8
maskGroups: 2
emaRate: 0.9
accumulation: 1
activations: kept
checkpoints: { everyMinutes: 0.01, kept: 3 }
samples: null
drawing: { steps: 6, candidates: 3 }
`,
  );
});

describe("dream cache", () => {
  it("leaves out what is broken, by name, and is the same when it was interrupted", async () => {
    const args = ["cache", "--data", photos, "--recipe", recipe, "--rows", "16", "--json"];
    const { code, out, err } = await dream([...args, "--out", cache]);
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ samples, cached: samples, broken: broken.length });
    for (const number of broken) expect(err).toContain(`Left out ${String(number).padStart(8, "0")}`);
    const again = at("cache-again");
    const first = await dream([...args, "--out", again], /Caching \d+/);
    expect(first.code, first.err).toBe(130);
    expect(first.err).toMatch(/To go on: dream cache/);
    await ok(...args, "--out", again);
    for (const name of readdirSync(cache).filter((one) => /\.(safetensors|json)$/.test(one)))
      expect(readFileSync(join(again, name)).equals(readFileSync(join(cache, name))), name).toBe(true);
  }, 120_000);

  it("is the same when processes share the work", async () => {
    const shared = at("cache-shared");
    const args = ["cache", "--data", photos, "--recipe", recipe, "--rows", "16", "--out", shared];
    const unfinished = await dream([...args, "--part", "1/2"]);
    expect(unfinished.code, unfinished.err).toBe(0);
    const early = await dream(["train", recipe, "--train-data", shared, "--out", at("early")]);
    expect(early.err).toMatch(/expected 4 files of features, got 2\..*same .*command again/is);
    await ok(...args, "--part", "2/2");
    for (const name of readdirSync(cache).filter((one) => /\.(safetensors|json)$/.test(one)))
      expect(readFileSync(join(shared, name)).equals(readFileSync(join(cache, name))), name).toBe(true);
  }, 60_000);

  it("keeps the pixels of every crop where it is asked to", async () => {
    const kept = at("cache-pixels");
    await ok("cache", "--data", photos, "--recipe", recipe, "--out", kept, "--pixels");
    const { tensors } = openSafetensors(join(kept, "features-00000-of-00001.safetensors"));
    const source = await openSamples(photos);
    for (const number of [0, 2, 4, 5]) {
      const { data } = centreCrop((await source.read(number)).picture, 32);
      expect(Buffer.from(tensors.get("pixels")!.rowBytes(number)).equals(data), String(number)).toBe(true);
    }
    await source.close();
  }, 60_000);

  it("is refused for another recipe, and told of where a byte has changed", async () => {
    const other = at("other.yaml");
    writeFileSync(other, readFileSync(recipe, "utf8").replace("scale: 0.18215", "scale: 0.5"));
    const refused = await dream(["train", other, "--train-data", cache, "--out", at("other")]);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/make a cache with this recipe/i);
    const spoilt = at("cache-spoilt");
    cpSync(cache, spoilt, { recursive: true });
    for (const name of readdirSync(spoilt).filter((one) => one.startsWith("features-"))) {
      const bytes = readFileSync(join(spoilt, name));
      // The states stand last: every sample has some that are now others.
      for (let back = 256; back <= 4096; back += 256) bytes[bytes.length - back]! ^= 1;
      writeFileSync(join(spoilt, name), bytes);
    }
    const told = await dream(["train", recipe, "--train-data", spoilt, "--out", at("spoilt"), ...steps]);
    expect(told.code).toBe(1);
    expect(told.err).toMatch(/features-0000\d-of-00004\.safetensors.*'states'.*checksum/s);
  }, 120_000);
});

describe("dream train on pictures", () => {
  const losses = (run: string) =>
    linesOf<{ generativeLoss: number; contrastiveLoss: number }>(
      readFileSync(join(run, "metrics.jsonl"), "utf8"),
    );

  it("learns the same from the cache as live, within float16's rounding", async () => {
    await ok("train", recipe, "--train-data", photos, "--out", at("live"), ...steps);
    // From the cache neither frozen model is needed.
    const hidden = at("parts-hidden");
    renameSync(parts, hidden);
    await ok("train", recipe, "--train-data", cache, "--out", at("cached"), ...steps);
    renameSync(hidden, parts);
    const [live, cached] = [losses(at("live")), losses(at("cached"))];
    expect(live).toHaveLength(12);
    for (const [i, { generativeLoss, contrastiveLoss }] of live.entries()) {
      expect(Math.abs(cached[i]!.generativeLoss - generativeLoss)).toBeLessThan(2e-4);
      expect(Math.abs(cached[i]!.contrastiveLoss - contrastiveLoss)).toBeLessThan(2e-3);
    }
    expect(live.some(({ generativeLoss }) => generativeLoss > 0.1)).toBe(true);
  }, 120_000);

  it("draws samples from the cache with the frozen models where they are here, and says so where they are not", async () => {
    const samples = ["--set", "samples={everySteps: 6, captions: [a small red circle]}"];
    const args = (out: string) => [
      "train",
      recipe,
      "--train-data",
      cache,
      "--out",
      at(out),
      ...samples,
      ...steps,
    ];
    const drawn = await dream(args("sampled"));
    expect(drawn.code, drawn.err).toBe(0);
    expect(drawn.err).toMatch(/sample grids, every 6 steps: .*sampled\/samples/);
    expect(readdirSync(at("sampled/samples"))).toEqual(["step-00000006.png", "step-00000012.png"]);
    const hidden = at("parts-hidden");
    renameSync(parts, hidden);
    const left = await dream(args("unsampled"));
    renameSync(hidden, parts);
    expect(left.code, left.err).toBe(0);
    expect(
      left.err.match(/No samples are drawn: .*frozen models, which are not on this machine/g),
    ).toHaveLength(1);
    expect(readdirSync(at("unsampled"))).not.toContain("samples");
    const model = (run: string) => readFileSync(join(at(run), "model.safetensors"));
    expect(model("sampled").equals(model("cached"))).toBe(true);
  }, 120_000);

  it("names the pictures of a step whose losses are no numbers", async () => {
    const absurd = [
      "--set",
      "learningRate={kind: constant, peak: 1e30, minimum: 0, warmupEpochs: 0, totalEpochs: 1}",
    ];
    for (const [data, key] of [
      [photos, /^\d{8}$/],
      [cache, /^features-0000\d-of-00004\.safetensors row \d+$/],
    ] as const) {
      const out = at(data === photos ? "absurd-live" : "absurd-cached");
      const { code, err } = await dream([
        "train",
        recipe,
        "--train-data",
        data,
        "--out",
        out,
        ...absurd,
        ...steps,
      ]);
      expect(code, err).toBe(1);
      const [step] = readdirSync(join(out, "non-finite"));
      const batch = JSON.parse(readFileSync(join(out, "non-finite", step!, "batch.json"), "utf8"));
      expect(batch.samples).toHaveLength(8);
      for (const sample of batch.samples) expect(sample.key).toMatch(key);
    }
  }, 120_000);

  it("goes on after Ctrl-C bit for bit, live", async () => {
    const out = at("stopped");
    const args = ["train", recipe, "--train-data", photos, "--out", out, ...steps];
    const first = await dream(args, /Training \d+/);
    expect(first.code, first.err).toBe(130);
    expect(first.err).toMatch(/To go on: dream train .*--train-data .*--steps 12/);
    const second = await dream(args);
    expect(second.err).toMatch(/Going on from step/);
    for (const name of [lastState, "model.safetensors"])
      expect(readFileSync(join(out, name)).equals(readFileSync(join(at("live"), name))), name).toBe(true);
  }, 120_000);

  it("says what memory it needs, and when a machine is too small", async () => {
    const { err } = await dream([
      "train",
      recipe,
      "--train-data",
      photos,
      "--out",
      at("memory"),
      "--steps",
      "1",
    ]);
    expect(err).toMatch(/Memory: 0\.\dM parameters: \d+ MB for weights.*MB in all/);
    const large = await dream(["train", "dream-g", "--train-data", photos, "--out", at("large")]);
    expect(large.code).toBe(1);
    expect(large.err).toMatch(/this machine is too small: 2432\.7M parameters: 48\.7 GB for weights/);
  }, 60_000);

  it("stops where too many samples are broken, and names them", async () => {
    const bad = at("bad");
    await writePhotos(bad, 64, [3, 9, 12, 21, 30, 44, 51, 60]);
    const elsewhere = ["--index-folder", at("indexes")];
    const { code, err } = await dream([
      "train",
      recipe,
      "--train-data",
      bad,
      "--out",
      at("bad-run"),
      ...steps,
      ...elsewhere,
    ]);
    expect(code).toBe(1);
    expect(err).toMatch(/at most 5 % broken samples, got 12\.5 % \(7 of 56\)/);
    expect(err).toMatch(/00000044/);
    const indexes = (name: string) => readdirSync(at(name)).filter((one) => one.startsWith(".dream-index-"));
    expect([indexes("bad").length, indexes("indexes").length, indexes("photos").length]).toEqual([0, 1, 1]);
  }, 60_000);

  it("draws another part of each picture where the recipe says so, the same for the same step", async () => {
    const cut = at("cut.yaml");
    const crop = "crop: { kind: random-resized, scale: [0.3, 1], ratio: [0.75, 1.33] }";
    writeFileSync(cut, readFileSync(recipe, "utf8").replace("crop: { kind: centre }", crop));
    for (const out of ["cut-a", "cut-b"])
      await ok("train", cut, "--train-data", photos, "--out", at(out), "--steps", "3");
    const told = (run: string) => losses(at(run)).map(({ contrastiveLoss }) => contrastiveLoss);
    expect(told("cut-a")).toEqual(told("cut-b"));
    expect(told("cut-a")[0]).not.toBe(told("live")[0]);
    const refused = await dream(["train", cut, "--train-data", cache, "--out", at("cut-c")]);
    expect(refused.err).toMatch(/draws another part at each step/);
  }, 60_000);

  it("asks for data where a recipe needs it, and for the network where a model is not there", async () => {
    const none = await dream(["train", recipe, "--out", at("none")]);
    expect(none.code).toBe(2);
    expect(none.err).toMatch(/--train-data with captioned pictures/);
    const offline = { HF_HUB_OFFLINE: "1", HF_HOME: at("empty-hub") };
    const args = ["cache", "--data", photos, "--recipe", "dream-b", "--out", at("offline")];
    const missing = await dream(args, undefined, offline);
    expect(missing.code).toBe(1);
    expect(missing.err).toMatch(/stabilityai\/sd-vae-ft-ema/);
    expect(missing.err).toMatch(/HF_HUB_OFFLINE|offline/);
  }, 60_000);
});

describe("dream convert", () => {
  const pth = at("tiny.pth");

  /** Every tensor's type, shape and bytes. */
  const content = (path: string): Map<string, string> =>
    new Map(
      [...openSafetensors(path).tensors]
        .map(([name, { dtype, shape, bytes }]): [string, string] => [
          name,
          `${dtype} ${shape} ${Buffer.from(bytes()).toString("base64")}`,
        ])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );

  it("makes a checkpoint of a run, and of that the run again, bit for bit", async () => {
    await ok("convert", at("live"), pth);
    await ok("convert", pth, at("back"), "--as", "run");
    const [run, back] = [content(join(at("live"), lastState)), content(join(at("back"), lastState))];
    expect([...back.keys()]).toEqual([...run.keys()]);
    for (const [name, value] of run) expect(back.get(name) === value, name).toBe(true);
    // The run is at its end: to go on is to find nothing left to do.
    await ok("train", recipe, "--train-data", photos, "--out", at("back"), ...steps);
    const model = (name: string) => readFileSync(join(at(name), "model.safetensors"));
    expect(model("back").equals(model("live"))).toBe(true);
  }, 120_000);

  it.skipIf(python === undefined)("writes what Python's torch.load opens, where there is one", () => {
    const script = `
import sys, torch
c = torch.load(sys.argv[1], map_location="cpu")
assert set(c) >= {"model", "model_ema", "optimizer", "epoch", "scaler", "args"}, list(c)
assert c["args"].encoder_embed_dim == 32
groups = c["optimizer"]["param_groups"]
assert [g["weight_decay"] for g in groups] == [0.0, 0.04]
assert len(c["optimizer"]["state"]) == sum(len(g["params"]) for g in groups)
print(float(sum(v.double().abs().sum() for v in c["model_ema"].values())))
`;
    const { stdout, stderr } = spawnSync(python!, ["-c", script, pth], { encoding: "utf8" });
    const averaged = openSafetensors(join(at("live"), "model.safetensors"));
    let sum = 0;
    for (const { dtype, bytes } of averaged.tensors.values()) {
      const { buffer } = bytes();
      const values = dtype === "F32" ? new Float32Array(buffer) : [Number(new BigInt64Array(buffer)[0])];
      for (const value of values) sum += Math.abs(value);
    }
    expect(Number(stdout), stderr).toBeCloseTo(sum, 4);
  });

  it("publishes a model that draws the run's own picture, from the run and from the checkpoint", async () => {
    await ok("convert", at("live"), at("published"));
    await ok("convert", pth, at("published-too"));
    await ok("convert", at("live"), at("published-live"), "--live");
    const draw = async (model: string): Promise<Buffer> => {
      const out = at(`drawn-${model}`);
      const args = ["generate", "--model", at(model), "--prompt", prompt, "--seed", "5", "--output-dir", out];
      await ok(...args);
      return readFileSync(join(out, readdirSync(out)[0]!));
    };
    expect(readFileSync(join(at("published-too"), "README.md"), "utf8")).toMatch(
      /after 12 steps of the recipe/,
    );
    const own = await draw("live");
    expect((await draw("published")).equals(own)).toBe(true);
    expect((await draw("published-too")).equals(own)).toBe(true);
    expect((await draw("published-live")).equals(own)).toBe(false);
    for (const name of ["config.json", "generation_config.json", "preprocessor_config.json", "README.md"])
      expect(statSync(join(at("published"), name)).size).toBeGreaterThan(100);
    expect(readFileSync(join(at("published-live"), "config.json"), "utf8")).toMatch(/"weights": "live"/);
    const clip = ClipModel.open(join(parts, "clip"));
    const picture = await decodePicture(own, "drawn");
    const pixels = normaliseBytes(
      tensorFromBytes(picture.data, [1, 32, 32, 3], "uint8").permute([0, 3, 1, 2]),
      readPreparation(join(parts, "clip")),
    );
    const tokenizer = ClipTokenizer.open(join(parts, "clip"), clip.contextLength, { kind: "hugging-face" });
    const ids = tensor(tokenizer.encode(prompt), [1, clip.contextLength], { dtype: "int64" });
    const score = clip.embedImages(pixels).mm(clip.embedTexts(ids).t()).item();
    expect(Math.abs(score)).toBeLessThan(1);
    const embedded = await ok("embed", "--model", at("published"), "--texts", "a dog", "a cat");
    expect(linesOf(embedded)).toHaveLength(2);
  }, 120_000);

  it("refuses a pickle with code, by name, and a place that is taken", async () => {
    const hostile = join(root, "test", "fixtures", "torch-file", "hostile", "system.pth");
    const { code, err } = await dream(["convert", hostile, at("hostile")]);
    expect(code).toBe(1);
    expect(err).toMatch(/system\.pth.*(os|posix)\.system/s);
    const taken = await dream(["convert", at("live"), at("published")]);
    expect(taken.code).toBe(2);
    expect(taken.err).toMatch(/exists/);
  }, 60_000);
});
