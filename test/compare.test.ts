/** @file A comparison from its folder to its report, in real processes: stopped by its budget, gone on, and what goes wrong on the way. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { readResult } from "../src/compare/results.js";
import { dream, type Finished, linesOf, root } from "./process.js";

const folder = (): string => mkdtempSync(join(tmpdir(), "dream-test-"));
const definition = join(root, "test", "comparison");

interface Summary {
  readonly finished: boolean;
  readonly figures: readonly {
    readonly measure: string;
    readonly rows: readonly {
      readonly system: string;
      readonly decoder: string | null;
      readonly mean: number;
    }[];
  }[];
  readonly claims: readonly {
    readonly claim: string;
    readonly verdict: { readonly verdict: string } | null;
  }[];
}

describe("dream compare", () => {
  const out = join(folder(), "comparison");
  let first: Finished;
  let second: Finished;

  beforeAll(async () => {
    first = await dream(["compare", definition, "--out", out, "--budget", "6s", "--json"]);
    second = await dream(["compare", definition, "--out", out, "--json"]);
  }, 240_000);

  it("stops when its budget is spent, says how to go on, and keeps what it has", () => {
    expect(first.code, first.err).toBe(0);
    expect(linesOf<Summary>(first.out)[0]!.finished).toBe(false);
    expect(first.err).toMatch(/The budget is spent; what is done is kept\. To go on: dream compare/);
  });

  it("goes on to its end, with a figure for each system and way of drawing", () => {
    expect(second.code, second.err).toBe(0);
    const { finished, figures, claims } = linesOf<Summary>(second.out)[0]!;
    expect(finished).toBe(true);
    const rows = (name: string) =>
      figures.find(({ measure }) => measure === name)!.rows.map(({ system, decoder }) => [system, decoder]);
    expect(rows("linear-probe").map(([system]) => system)).toEqual([
      "dream",
      "clip",
      "mar",
      "other",
      "judge",
    ]);
    expect(rows("scene-fidelity")).toEqual([
      ["dream", "plain"],
      ["dream", "sad"],
      ["dream", "reranked"],
      ["mar", "plain"],
    ]);
    for (const { claim, verdict } of claims) expect(verdict, claim).not.toBeNull();
  });

  it("leaves a report in three forms, with the same captions drawn by all", () => {
    expect(readFileSync(join(out, "report.md"), "utf8")).toMatch(
      /\| DREAM's linear probe is above CLIP's \| (holds|fails|open) \|/,
    );
    const page = readFileSync(join(out, "report.html"), "utf8");
    expect(page.match(/<figure><img src="data:image\/png;base64,/g)).toHaveLength(4);
    expect(JSON.parse(readFileSync(join(out, "report.json"), "utf8"))).toMatchObject({
      comparison: "comparison",
    });
  });

  it("keeps for every figure what it is the mean of, and who made it", () => {
    const result = readResult(out, "dream", 1)!;
    expect(result.steps).toBe(32);
    expect(result.madeBy).toMatch(/^0\.1\.0/);
    const { value, outcomes } = result.drawings.sad!["scene-fidelity"]!;
    expect(outcomes).toHaveLength(8);
    expect(outcomes!.reduce((sum, one) => sum + one, 0) / 8).toBeCloseTo(value, 6);
  });

  it("has nothing left to do the next time", async () => {
    const { code, err, out: text } = await dream(["compare", definition, "--out", out, "--json"]);
    expect(code).toBe(0);
    expect(err).not.toMatch(/^(Training|Drawing) /m);
    expect(text).toBe(second.out);
  });

  it("does what is asked for of some systems alone, with who judges them, and trains nothing whose results are there", async () => {
    const some = join(folder(), "some");
    const ask = () => dream(["compare", definition, "--out", some, "--systems", "clip", "--json"]);
    const asked = await ask();
    expect(asked.code, asked.err).toBe(0);
    expect(readdirSync(join(some, "results"))).toEqual(["clip-1.json"]);
    expect(readdirSync(join(some, "runs")).sort()).toEqual(["clip-1", "judge-1"]);
    rmSync(join(some, "runs"), { recursive: true });
    const again = await ask();
    expect(again.out).toBe(asked.out);
    expect(existsSync(join(some, "runs"))).toBe(false);
    const misnamed = await dream(["compare", definition, "--out", some, "--systems", "clip,dreem"]);
    expect(misnamed.code).toBe(2);
    expect(misnamed.err).toMatch(/Did you mean "dream"\?/);
  });

  it("does what is damaged again only when told, and names the file", async () => {
    const copy = join(folder(), "copy");
    cpSync(out, copy, { recursive: true });
    writeFileSync(join(copy, "results", "clip-1.json"), "{");
    const { code, err } = await dream(["compare", definition, "--out", copy]);
    expect(code).toBe(1);
    expect(err).toMatch(/clip-1\.json.*Remove the file; what it held is measured again/s);
  });

  it("refuses systems that are not trained alike, and names that are none, before it begins", async () => {
    const copy = join(folder(), "copy");
    cpSync(definition, copy, { recursive: true });
    const clip = readFileSync(join(copy, "clip.yaml"), "utf8");
    writeFileSync(join(copy, "clip.yaml"), `${clip}batchSize: 32\n`);
    const unlike = await dream(["compare", copy, "--out", join(copy, "out")]);
    expect(unlike.code).toBe(1);
    expect(unlike.err).toMatch(/the same batchSize in all systems: 16 as in dream, got 32 in clip/);
    expect(existsSync(join(copy, "out"))).toBe(false);
    writeFileSync(join(copy, "clip.yaml"), clip);
    const text = readFileSync(join(copy, "comparison.yaml"), "utf8");
    writeFileSync(join(copy, "comparison.yaml"), text.replace("judge: judge", "judge: juge"));
    const misnamed = await dream(["compare", copy, "--out", join(copy, "out")]);
    expect(misnamed.code).toBe(2);
    expect(misnamed.err).toMatch(/Did you mean "judge"\?/);
    writeFileSync(join(copy, "comparison.yaml"), text.replace("frechet,", "fid,"));
    const unmeasurable = await dream(["compare", copy, "--out", join(copy, "out")]);
    expect(unmeasurable.code).toBe(1);
    expect(unmeasurable.err).toMatch(/fid needs the weights of the Inception network/);
    expect(unmeasurable.err).not.toMatch(/^Training /m);
  });

  describe("and dream evaluate", () => {
    const model = join(out, "runs", "dream-1");
    const other = join(out, "runs", "other-1");

    interface Line {
      readonly measure: string;
      readonly value: number;
      readonly samples: number;
    }

    it("measures one of its models by what is named, and keeps what each figure is the mean of", async () => {
      const kept = join(folder(), "measured.json");
      const names = "zero-shot,retrieval,clip-score,frechet,scene-fidelity,drawing-speed";
      const {
        code,
        err,
        out: text,
      } = await dream(
        ["evaluate", "--model", model, "--measures", names, "--drawings", "6", "--encoder", other].concat([
          "--clip",
          other,
          "--out",
          kept,
          "--json",
        ]),
      );
      expect(code, err).toBe(0);
      const measured = linesOf<Line>(text);
      expect(measured.map(({ measure }) => measure).join()).toBe(names);
      expect(measured.slice(2).map(({ samples }) => samples)).toEqual([6, 6, 6, 6]);
      const { measures } = JSON.parse(readFileSync(kept, "utf8"));
      expect(measures["zero-shot"].outcomes).toHaveLength(61);
    });

    it("names what is lacking for each measure before anything starts", async () => {
      const { code, err } = await dream([
        "evaluate",
        "--model",
        other,
        "--measures",
        "fid,frechet,retrieval",
      ]);
      expect(code).toBe(1);
      expect(err).toMatch(/fid needs a model that draws; frechet needs a model that draws/);
      expect(err).not.toMatch(/Encoding/);
    });

    it("says at Ctrl-C what to type to measure the same, and keeps what is measured by then", async () => {
      const kept = join(folder(), "measured.json");
      const { code, err } = await dream(
        ["evaluate", "--model", model, "--measures", "retrieval,fine-tune", "--train-samples", "256"].concat([
          ...["--out", kept],
        ]),
        /^Fine-tuning /m,
      );
      expect(code).toBe(130);
      expect(err).toMatch(/dream evaluate .*--train-samples 256 .*--measures retrieval,fine-tune/);
      expect(Object.keys(JSON.parse(readFileSync(kept, "utf8")).measures)).toEqual(["retrieval"]);
    });

    it.concurrent.each([
      [["--measures", "linear-prob"], 2, /Did you mean "linear-probe"\?/],
      [["--classes", "names.txt"], 2, /--data beside --classes/],
      [["--train-data", "x"], 2, /--data beside --train-data/],
      [["--reference", "x.npz"], 2, /Inception's weights beside reference statistics/],
      [["--inception", "none.safetensors"], 1, /none\.safetensors/],
    ])("refuses %s", async (more, code, message) => {
      const { code: got, err } = await dream(["evaluate", "--model", model, ...more]);
      expect(got, err).toBe(code);
      expect(err).toMatch(message);
    });

    it("measures pictures of one's own in folders of classes, and refuses classes without a picture", async () => {
      const pictures = join(folder(), "pictures");
      for (const split of ["train", "test"])
        for (const [i, name] of ["dark", "light"].entries()) {
          mkdirSync(join(pictures, split, name), { recursive: true });
          for (let number = 0; number < (split === "train" ? 160 : 8); number++)
            await sharp({
              create: {
                width: 40,
                height: 36,
                channels: 3,
                background: { r: 60 + 120 * i, g: number, b: 90 },
              },
            })
              .png()
              .toFile(join(pictures, split, name, `${number}.png`));
        }
      const measure = () =>
        dream(
          ["evaluate", "--model", model, "--data", join(pictures, "test"), "--train-data"].concat([
            join(pictures, "train"),
            ...["--measures", "linear-probe,zero-shot", "--json"],
          ]),
        );
      const first = await measure();
      expect(first.code, first.err).toBe(0);
      const [probe] = linesOf<Line>(first.out);
      expect(probe).toMatchObject({ measure: "linear-probe", value: 1, samples: 16 });
      mkdirSync(join(pictures, "test", "empty"));
      const second = await measure();
      expect(second.code).toBe(1);
      expect(second.err).toMatch(/a picture in the folder of each class, got none in empty/);
    });
  });
});
