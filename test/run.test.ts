/** @file A run from its shards to its pictures, in real processes: training, stopping, going on, drawing, embedding, and what goes wrong on the way. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { dream, linesOf, root } from "./process.js";

const folder = (): string => mkdtempSync(join(tmpdir(), "dream-test-"));
const whole = join(folder(), "whole");
const prompt = "a large red circle in the centre on a plain background";

/** Whether this user may have a file system of its own, for a full disk. */
const mayMount = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "none", folder()]).status === 0;

const lastState = join("checkpoints", "step-00000200", "state.safetensors");

/** Two runs ended with the same model and state, to the bit. */
function expectSame(run: string, other: string): void {
  for (const name of ["model.safetensors", lastState])
    expect(readFileSync(join(run, name)).equals(readFileSync(join(other, name))), name).toBe(true);
}

beforeAll(async () => {
  const { code, err } = await dream(["train", "scenes-test", "--out", whole]);
  expect(code, err).toBe(0);
}, 180_000);

describe("dream train", () => {
  it("leaves a model, its journal and its recipe", () => {
    const names = readdirSync(whole);
    for (const name of [
      "config.json",
      "model.safetensors",
      "codec.safetensors",
      "checkpoints",
      "recipe.json",
    ])
      expect(names).toContain(name);
    const steps = linesOf<{ step: number }>(readFileSync(join(whole, "metrics.jsonl"), "utf8"));
    expect(steps.map(({ step }) => step)).toEqual([...Array(200).keys()]);
  });

  it("saves at Ctrl-C and exits with 130; going on gives the uninterrupted run bit for bit", async () => {
    const out = join(folder(), "stopped");
    const first = await dream(["train", "scenes-test", "--out", out], /Training \d+/);
    expect(first.code).toBe(130);
    expect(first.err).toMatch(/Saved before step \d+\. To go on: dream train scenes-test --out/);
    const second = await dream(["train", "scenes-test", "--out", out]);
    expect(second.err).toMatch(/Going on from step \d+/);
    expect(second.code).toBe(0);
    expectSame(out, whole);
    // The checkpoint of the end is damaged afterwards: the one of the stop is gone on from.
    truncateSync(join(out, lastState), 1000);
    const third = await dream(["train", "scenes-test", "--out", out]);
    expect(third.err).toMatch(/is kept as damaged-step-00000200: read .*state\.safetensors: .*got 1000/);
    expect(third.err).toMatch(/Going on from step \d+/);
    expectSame(out, whole);
    const steps = linesOf<{ step: number }>(readFileSync(join(out, "metrics.jsonl"), "utf8"));
    expect(steps.map(({ step }) => step)).toEqual([...Array(200).keys()]);
  }, 180_000);

  it("stops at Ctrl-C before it trains, and leaves nothing half-written", async () => {
    const out = join(folder(), "early");
    const { code, err } = await dream(["train", "scenes-nano", "--out", out], /Rendering scenes/);
    expect(code).toBe(130);
    expect(err).toMatch(/Stopped\. To go on: dream train scenes-nano --out/);
    expect(err).not.toMatch(/Training/);
    const left = readdirSync(out, { recursive: true }).map(String);
    expect(left.filter((name) => name.endsWith(".partial"))).toEqual([]);
  });

  it("starts from another run's weights with --init", async () => {
    const out = join(folder(), "again");
    const { code, out: json } = await dream([
      "train",
      "scenes-test",
      "--init",
      whole,
      "--out",
      out,
      "--json",
    ]);
    expect(code).toBe(0);
    const firstLoss = (run: string): number =>
      linesOf<{ contrastiveLoss: number }>(readFileSync(join(run, "metrics.jsonl"), "utf8"))
        .slice(0, 10)
        .reduce((sum, { contrastiveLoss }) => sum + contrastiveLoss, 0);
    expect(firstLoss(out)).toBeLessThan(0.95 * firstLoss(whole));
    expect(JSON.parse(json)).toMatchObject({ recipe: "scenes-test", steps: 200 });
  }, 180_000);

  it("refuses a model of another shape, a damaged checkpoint, and a folder with another run; all stay as they were", async () => {
    const other = await dream(["train", "scenes-nano", "--init", whole, "--out", join(folder(), "x")]);
    expect(other.code).toBe(1);
    expect(other.err).toMatch(/shape|expected/i);
    expect(other.err).not.toMatch(/Rendering scenes/);
    const out = join(folder(), "half");
    cpSync(whole, out, { recursive: true });
    const path = join(out, lastState);
    const size = readFileSync(path).length;
    truncateSync(path, Math.floor(size / 2));
    const damaged = await dream(["train", "scenes-test", "--out", out]);
    expect(damaged.code).toBe(1);
    expect(damaged.err).toMatch(/only damaged ones: step-00000200 \(read .*state\.safetensors/);
    expect(readFileSync(path)).toHaveLength(Math.floor(size / 2));
    const mine = join(folder(), "mine.yaml");
    writeFileSync(mine, readFileSync("recipes/scenes-test.yaml", "utf8").replace("seed: 7", "seed: 8"));
    const strange = await dream(["train", mine, "--out", whole]);
    expect(strange.code).toBe(1);
    expect(strange.err).toMatch(/differs in seed \(7 there, 8 here\)\. Choose another folder/);
  }, 180_000);

  it.skipIf(!mayMount)(
    "says so when the disk is full, and keeps what was there",
    async () => {
      const stopped = join(folder(), "stopped");
      const often = join(folder(), "often.yaml");
      const recipe = readFileSync("recipes/scenes-test.yaml", "utf8");
      writeFileSync(often, recipe.replace("everyMinutes: 5", "everyMinutes: 0.001"));
      await dream(["train", often, "--out", stopped], /Training \d+/);
      // A disk of its own, filled to the last byte; then with room for the journal, but not for a checkpoint; then with room.
      const train = ['node dist/cli/main.js train "$3" --out "$1/run"', 'echo "code $?"'];
      const look = ['cd "$1/run"', "sha256sum checkpoints/step-*/*", "find -name '*.partial'", 'cd "$4"'];
      const script = [
        'mount -t tmpfs -o size=64m none "$1"',
        'cp -r "$2" "$1/run"',
        ...look,
        'cat /dev/zero > "$1/filling" 2>/dev/null',
        ...train,
        ...look,
        'truncate -s -500K "$1/filling"',
        ...train,
        ...look,
        'rm "$1/filling"',
        ...train,
      ].join("\n");
      const args = ["-rm", "sh", "-c", script, "sh", folder(), stopped, often, root];
      const { stdout, stderr } = spawnSync("unshare", args, { cwd: root, encoding: "utf8" });
      expect(stderr.match(/^dream: write .*/gm)).toMatchObject([
        expect.stringMatching(/run\/(?!checkpoints).*disk is full; free some space/i),
        expect.stringMatching(/run\/checkpoints\/step-\d+: ENOSPC.*disk is full; free some space/i),
      ]);
      const [before, full, short, end] = stdout.split(/code \d\n/);
      expect(before).toMatch(
        /^[0-9a-f]{64} .*step-\d+\/checkpoint\.json\n[0-9a-f]{64} .*state\.safetensors\n/,
      );
      expect([full, short, end]).toEqual([before, before, ""]);
      expect(stdout.match(/code \d/g)).toEqual(["code 1", "code 1", "code 0"]);
    },
    180_000,
  );

  it("names a truncated shard and a broken picture", async () => {
    const cut = join(folder(), "cut");
    cpSync(join(whole, "data"), join(cut, "data"), { recursive: true });
    const shard = join(cut, "data", "train-000000.tar");
    truncateSync(shard, 100_000);
    const { code, err } = await dream(["train", "scenes-test", "--out", cut]);
    expect(code).toBe(1);
    expect(err).toMatch(/train-000000\.tar/);
    const spoilt = join(folder(), "spoilt");
    cpSync(join(whole, "data"), join(spoilt, "data"), { recursive: true });
    const path = join(spoilt, "data", "train-000000.tar");
    const bytes = readFileSync(path);
    // Past the first member's header and the PNG's own: the compressed pixels.
    bytes.fill(0, 512 + 60, 512 + 200);
    writeFileSync(path, bytes);
    const broken = await dream(["train", "scenes-test", "--out", spoilt]);
    expect(broken.code).toBe(1);
    expect(broken.err).toMatch(/train-000000\.tar: 00000000/);
  }, 60_000);
});

interface Line {
  readonly file: string;
  readonly seed: number;
  readonly prompt: string;
  readonly score: number;
  readonly candidateScores: readonly number[];
  readonly seconds: number;
}

const generate = (out: string, ...more: string[]) =>
  dream(["generate", "--model", whole, "--prompt", prompt, "--output-dir", out, "--json", ...more]);

describe("dream generate", () => {
  it("writes pictures with their settings inside, and a line of JSON for each", async () => {
    const out = folder();
    const { code, out: text } = await generate(
      out,
      "-n",
      "3",
      "--candidates",
      "4",
      "--select-at",
      "0.25",
      "--seed",
      "7",
    );
    expect(code).toBe(0);
    const lines = linesOf<Line>(text);
    expect(lines.map(({ seed }) => seed)).toEqual([7, 8, 9]);
    for (const { file, score, candidateScores, seconds, prompt: said } of lines) {
      expect(said).toBe(prompt);
      expect(candidateScores).toHaveLength(4);
      expect(score).toBe(Math.max(...candidateScores));
      expect(seconds).toBeGreaterThan(0);
      const { width, comments } = await sharp(file).metadata();
      expect(width).toBe(32);
      const inside = comments?.find(({ keyword }) => keyword === "dream")?.text ?? "";
      expect(JSON.parse(inside)).toMatchObject({
        prompt,
        choice: { kind: "aligned", candidates: 4, atFraction: 0.25 },
      });
    }
  });

  it("draws the same picture for the same seed, alone or among others", async () => {
    const [a, b] = [folder(), folder()];
    const three = linesOf<Line>((await generate(a, "-n", "3", "--seed", "20")).out);
    const one = linesOf<Line>((await generate(b, "--seed", "21")).out);
    const pixels = (path: string): Promise<Buffer> => sharp(path).raw().toBuffer();
    const [alone, among] = [await pixels(one[0]!.file), await pixels(three[1]!.file)];
    for (const [i, value] of alone.entries()) expect(Math.abs(value - among[i]!)).toBeLessThanOrEqual(1);
    expect(one[0]!.score).toBeCloseTo(three[1]!.score, 4);
  });

  it("refuses a sentence that the model cannot read whole, and warns of unknown words", async () => {
    const long = await dream([
      "generate",
      "--model",
      whole,
      "--prompt",
      "red ".repeat(2500),
      "--output-dir",
      folder(),
    ]);
    expect(long.code).toBe(2);
    expect(long.err).toMatch(/at most 18 words.*2500 words \(10000 characters\)/s);
    const cat = await dream([
      "generate",
      "--model",
      whole,
      "--prompt",
      "a red cat",
      "--output-dir",
      folder(),
    ]);
    expect(cat.code).toBe(0);
    expect(cat.err).toMatch(/never read "cat"/);
  });
});

describe("dream generate's samplers and selections", () => {
  const drawn = async (...options: readonly string[]): Promise<Buffer> => {
    const { code, err, out } = await generate(folder(), "--seed", "3", ...options);
    expect(code, err).toBe(0);
    return sharp(linesOf<Line>(out)[0]!.file).raw().toBuffer();
  };

  it("draw something else each, and the same again", async () => {
    const plain = ["--candidates", "1", "--steps", "6"];
    const pictures = [
      await drawn(...plain),
      await drawn(...plain, "--sampler", "dpm-solver"),
      await drawn(...plain, "--sampler", "ddim", "--diffusion-steps", "9:3"),
      await drawn(...plain, "--negative", "a small blue square in the top left on a dotted background"),
      await drawn("--preset", "fast", "--candidates", "6", "--selection", "halving"),
      await drawn("--steps", "6", "--candidates", "3", "--selection", "each-step"),
    ];
    expect(new Set(pictures.map((one) => one.toString("hex"))).size).toBe(pictures.length);
    expect(await drawn(...plain, "--sampler", "dpm-solver")).toEqual(pictures[1]);
  });

  it("refuse what they would not look at", async () => {
    const refused = async (...options: readonly string[]): Promise<string> => {
      const { code, err } = await generate(folder(), ...options);
      expect(code).toBe(2);
      return err;
    };
    expect(await refused("--separation", "0.1")).toMatch(/--separation.*beside --selection halving/);
    expect(await refused("--selection", "halving", "--select-at", "0.2")).toMatch(/--select-at/);
    expect(await refused("--diffusion-steps", "0")).toMatch(/Expected a count of steps/);
    expect(await refused("--preset", "fastest")).toMatch(/exact, balanced, fast/);
  });
});

describe("dream edit", () => {
  const picture = join(folder(), "picture.png");
  beforeAll(async () => {
    const [line] = linesOf<Line>((await generate(folder(), "--seed", "5")).out);
    cpSync(line!.file, picture);
  });
  const edit = (out: string, ...options: readonly string[]) =>
    dream([
      ...["edit", "--model", whole, "--image", picture, "--prompt", prompt],
      ...["--output-dir", out, "--candidates", "2", "--json", ...options],
    ]);

  it("draws inside a box anew, and keeps the pixels outside to the bit where asked", async () => {
    const { code, err, out } = await edit(folder(), "--box", "4,8,12,20", "--keep-pixels", "-n", "2");
    expect(code, err).toBe(0);
    const before = await sharp(picture).raw().toBuffer();
    const variations = await Promise.all(linesOf<Line>(out).map(({ file }) => sharp(file).raw().toBuffer()));
    expect(variations).toHaveLength(2);
    expect(variations[0]!.equals(variations[1]!)).toBe(false);
    for (const after of variations) {
      let changed = 0;
      for (const [at, value] of before.entries()) {
        const [x, y] = [Math.floor(at / 3) % 32, Math.floor(at / 96)];
        if (x >= 4 && x < 16 && y >= 8 && y < 28) changed += value === after[at] ? 0 : 1;
        else expect(after[at]).toBe(value);
      }
      expect(changed).toBeGreaterThan(0);
    }
  });

  it("takes a mask's light pixels", async () => {
    const mask = join(folder(), "mask.png");
    const light = Buffer.alloc(32 * 32, 0);
    for (let y = 0; y < 32; y++) light.fill(255, y * 32 + 16, y * 32 + 32);
    await sharp(light, { raw: { width: 32, height: 32, channels: 1 } })
      .png()
      .toFile(mask);
    const byMask = await edit(folder(), "--mask", mask);
    const byBox = await edit(folder(), "--box", "16,0,16,32");
    const pixels = async ({ out }: { out: string }): Promise<Buffer> =>
      sharp(linesOf<Line>(out)[0]!.file).raw().toBuffer();
    expect(await pixels(byMask)).toEqual(await pixels(byBox));
  });

  it("says what it needs, and which file it cannot read", async () => {
    const both = await edit(folder(), "--box", "0,0,8,8", "--mask", picture);
    expect([both.code, both.err]).toEqual([2, expect.stringMatching(/expected --box or --mask, got both/)]);
    const outside = await edit(folder(), "--box", "40,0,8,8");
    expect([outside.code, outside.err]).toEqual([1, expect.stringMatching(/inside the 32 x 32 pixels/)]);
    const missing = await edit(folder(), "--mask", "no-such.png");
    expect([missing.code, missing.err]).toEqual([1, expect.stringMatching(/no-such\.png/)]);
  });
});

describe("dream embed", () => {
  it("gives unit vectors for pictures of any size and for sentences", async () => {
    const out = folder();
    const [drawn] = linesOf<Line>((await generate(out)).out);
    const large = join(out, "large.jpg");
    await sharp(drawn!.file).resize(300, 200, { fit: "fill" }).jpeg().toFile(large);
    const {
      code,
      out: text,
      err,
    } = await dream([
      "embed",
      "--model",
      whole,
      "--images",
      drawn!.file,
      large,
      "--texts",
      prompt,
      "a blue square",
    ]);
    expect(code).toBe(0);
    const lines = linesOf<{ input: string; kind: string; embedding: number[] }>(text);
    expect(lines.map(({ kind }) => kind)).toEqual(["image", "image", "text", "text"]);
    for (const { embedding } of lines)
      expect(embedding.reduce((sum, value) => sum + value ** 2, 0)).toBeCloseTo(1, 5);
    expect(err).toMatch(/large\.jpg/);
  });

  it("names a file that is missing or no picture", async () => {
    const text = join(folder(), "words.png");
    writeFileSync(text, "no picture");
    for (const path of [text, "nowhere.png"]) {
      const { code, err } = await dream(["embed", "--model", whole, "--images", path]);
      expect(code).toBe(1);
      expect(err).toContain(path);
    }
  });
});

describe("dream data scenes", () => {
  it("writes shards that training reads", async () => {
    const out = folder();
    const { code, out: text } = await dream([
      "data",
      "scenes",
      "--level",
      "3",
      "--count",
      "30",
      "--seed",
      "2",
      "--out",
      out,
      "--shard",
      "20",
      "--json",
    ]);
    expect(code).toBe(0);
    const { shards } = JSON.parse(text) as { shards: string[] };
    expect(shards).toHaveLength(2);
    for (const shard of shards) expect(existsSync(shard)).toBe(true);
  });
});
