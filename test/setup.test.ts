/** @file The set-up in child processes: each failure is one sentence that says what to do, and a second run is instant. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
let folder = "";
let clone = "";

/** A clone with its npm packages and without an addon. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dream-setup-"));
  clone = join(folder, "clone");
  for (const name of ["scripts", "native", "package.json", "package-lock.json", "tsconfig.json"]) {
    cpSync(join(root, name), join(clone, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function setUp(
  where: string,
  environment: Readonly<Record<string, string>>,
): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, [join(where, "scripts", "setup.mjs"), "--quiet"], {
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  return { status, stderr };
}

/** A folder with libtorch's version header and nothing that could be linked. */
function fakeLibtorch(major: number, minor: number, patch: number): string {
  const fake = join(folder, `libtorch-${major}.${minor}.${patch}`);
  const headers = join(fake, "include", "torch", "csrc", "api", "include", "torch");
  mkdirSync(headers, { recursive: true });
  mkdirSync(join(fake, "include", "ATen"), { recursive: true });
  writeFileSync(join(fake, "include", "ATen", "ATen.h"), "");
  const parts = { MAJOR: major, MINOR: minor, PATCH: patch };
  const lines = Object.entries(parts).map(([key, value]) => `#define TORCH_VERSION_${key} ${value}\n`);
  writeFileSync(join(headers, "version.h"), lines.join(""));
  return fake;
}

describe("set-up refuses in one sentence", () => {
  it("a libtorch that is too old, naming the version found and the one needed", () => {
    const { status, stderr } = setUp(clone, { LIBTORCH: fakeLibtorch(1, 8, 0) });
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^setup: libtorch is too old: .* holds version 1\.8\.0, and 1\.13 or newer is needed; download .*\.\n$/,
    );
  });

  it("a libtorch without libraries", () => {
    const { status, stderr } = setUp(clone, { LIBTORCH: fakeLibtorch(2, 4, 1) });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^setup: libtorch at .* has no libc10\.so: .*\.\n$/);
  });

  it("a LIBTORCH that leads nowhere", () => {
    const { status, stderr } = setUp(clone, { LIBTORCH: join(folder, "nowhere") });
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^setup: LIBTORCH is .*nowhere, but there is no include\/ATen\/ATen\.h in it: set LIBTORCH .*\.\n$/,
    );
  });

  it("a compiler that is not there", () => {
    const { status, stderr } = setUp(clone, { CXX: join(folder, "no-compiler") });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^setup: CXX is .*no-compiler, which is not a program here: set it .*\.\n$/);
  });

  it("a cache folder that cannot be written", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const { status, stderr } = setUp(clone, {
      XDG_CACHE_HOME: file,
      LIBTORCH: "",
      PATH: pathWithout("python3"),
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^setup: The cache folder .* cannot be written: set XDG_CACHE_HOME .*\.\n$/);
  });

  it.each([
    ["18.20.4", false],
    ["8.17.0", false],
    ["20.0.0", true],
    ["26.1.0", true],
  ])("Node %s: accepted is %s", async (version, accepted) => {
    const { nodeVersionProblem } = (await import(join(root, "scripts", "setup", "node-version.mjs"))) as {
      nodeVersionProblem: (version: string) => string;
    };
    const problem = nodeVersionProblem(version);
    if (accepted) expect(problem).toBe("");
    else
      expect(problem).toBe(
        `This is Node ${version}, and DREAM needs Node 20 or newer: install it from https://nodejs.org or with your package manager and run this again.`,
      );
  });
});

describe("set-up in a clone that is ready", () => {
  it("does nothing, says nothing when quiet, and takes no time", () => {
    const start = performance.now();
    expect(setUp(root, {})).toEqual({ status: 0, stderr: "" });
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  it("records the engine that `dream doctor` reports", () => {
    const engine = JSON.parse(readFileSync(join(root, "build", "engine.json"), "utf8")) as Record<
      string,
      unknown
    >;
    expect(engine).toMatchObject({
      libtorchVersion: expect.stringMatching(/^\d+\.\d+\.\d+/),
      libtorchOrigin: expect.stringMatching(/^(LIBTORCH|python|system|cache)$/),
      cuda: expect.any(Boolean),
    });
  });
});

/** A PATH on which this program is not. */
function pathWithout(program: string): string {
  const shadow = join(folder, "bin");
  mkdirSync(shadow, { recursive: true });
  const compiler = spawnSync("sh", ["-c", "command -v c++"], { encoding: "utf8" }).stdout.trim();
  const assembler = ["as", "ld"].map((name) =>
    spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim(),
  );
  for (const path of [compiler, ...assembler]) symlinkSync(path, join(shadow, path.split("/").at(-1)!));
  expect(program in { [shadow]: "" }).toBe(false);
  return shadow;
}
