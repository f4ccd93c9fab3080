/** @file The examples of README and of the facade's own description, run as they stand. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../src/formats/images.js";
import { loudRun } from "./loud-run.js";
import { root } from "./process.js";
import { type Served, served } from "./served.js";

const run = promisify(execFile);
const readme = readFileSync(join(root, "README.md"), "utf8");

/** Blocks of code in one section. */
function blocks(section: string, language: string): string[] {
  const [, text = ""] = new RegExp(`^## ${section}\\n(.*?)^## `, "ms").exec(readme) ?? [];
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, code]) => code!);
}

/** A folder in which a program finds what examples name: `runs/demo`, `circle.png`, and the package by its name. */
let folder: string;

beforeAll(async () => {
  // Below the package, so that its own name leads to it.
  mkdirSync(join(root, "build"), { recursive: true });
  folder = mkdtempSync(join(root, "build", "examples-"));
  mkdirSync(join(folder, "runs"));
  symlinkSync(await loudRun(), join(folder, "runs", "demo"));
  const data = new Uint8Array(32 * 32 * 3).fill(120);
  writeFileSync(join(folder, "circle.png"), await encodePng({ width: 32, height: 32, data }));
});

async function program(code: string): Promise<string> {
  const path = join(folder, "example.mjs");
  writeFileSync(path, code);
  const { stdout } = await run(process.execPath, [path], { cwd: folder });
  return stdout;
}

describe("examples of the library", () => {
  it("run, one after another as README tells them", async () => {
    const [first, second] = blocks("As a library", "js") as [string, string];
    expect(first.trim().split("\n").length).toBeLessThanOrEqual(6);
    const out = await program(
      `${first}\n${second}\nconsole.log(red.length, blue.length, seen.length, cosines.length, best.label);`,
    );
    expect(out).toMatch(/^1 of \d+ steps$/m);
    expect(out).toMatch(/^seed 7, candidate \d$/m);
    expect(out).toMatch(/^32 32 32 2 a /m);
  });

  it("run, each by itself as the facade's description has it", async () => {
    const source = readFileSync(join(root, "src", "dream.ts"), "utf8");
    const examples = [...source.matchAll(/@example\n(.*?)\n\s*\*\//gs)].map(([, text]) =>
      text!.replaceAll(/^\s*\* ?/gm, ""),
    );
    expect(examples.length).toBeGreaterThan(7);
    const loaded = 'const dream = await Dream.load("runs/demo");';
    const bodies = examples.map(
      (code) => `{\n${code.includes("Dream.load") ? "" : `${loaded}\n`}${code}\nawait dream.dispose();\n}`,
    );
    await program(
      `import { writeFile } from "node:fs/promises";\nimport { Dream, encodePng } from "dream";\n${bodies.join("\n")}`,
    );
  });
});

describe("examples of the server", () => {
  let server: Served;

  beforeAll(async () => {
    server = await served({}, {}, join(folder, "runs", "demo"), "demo");
  });

  afterAll(() => server.end());

  it("draw and embed with OpenAI's own client", async () => {
    const [code] = blocks("As a server", "js") as [string];
    const there = code.replace("http://127.0.0.1:8000", server.address);
    expect(there).not.toBe(code);
    expect(
      await program(`${there}\nconsole.log(data.length, vectors.length, vectors[0].embedding.length);`),
    ).toBe("1 2 32\n");
  });

  it("are answered where curl asks", async () => {
    const [, commands] = blocks("As a server", "sh") as [string, string];
    const { stdout } = await run("sh", ["-ec", commands.replaceAll("http://127.0.0.1:8000", server.address)]);
    expect(stdout).toMatch(/"b64_json":"iVBOR/);
    expect(stdout.match(/event: image_generation.partial_image/g)).toHaveLength(3);
    expect(stdout).toMatch(/"object":"job"/);
  });
});
