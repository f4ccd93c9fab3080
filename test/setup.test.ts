import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** A clone whose npm packages are there, and whose addon is not. */
let clone = "";

beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), "dream-clone-"));
  for (const part of ["scripts", "native", "src", "package.json", "package-lock.json", "tsconfig.json"])
    cpSync(join(root, part), join(clone, part), { recursive: true });
  mkdirSync(join(clone, "node_modules"));
  for (const name of ["typescript", "node-api-headers"])
    symlinkSync(join(root, "node_modules", name), join(clone, "node_modules", name));
  mkdirSync(join(clone, "build"));
  cpSync(join(root, "build", "packages.stamp"), join(clone, "build", "packages.stamp"));
});

function setUp(
  environment: Readonly<Record<string, string>>,
  folder = clone,
): { code: number | null; err: string } {
  const done = spawnSync(process.execPath, [join(folder, "scripts", "setup.mjs")], {
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  return { code: done.status, err: done.stderr };
}

/** A folder that looks like a libtorch of some version. */
function fakeLibtorch(version: string): string {
  const folder = mkdtempSync(join(tmpdir(), "dream-libtorch-"));
  const headers = join(folder, "include/torch/csrc/api/include/torch");
  mkdirSync(headers, { recursive: true });
  const [major, minor, patch] = version.split(".");
  const text = `#define TORCH_VERSION_MAJOR ${major}\n#define TORCH_VERSION_MINOR ${minor}\n#define TORCH_VERSION_PATCH ${patch}\n`;
  writeFileSync(join(headers, "version.h"), text);
  return folder;
}

describe("set-up", () => {
  it("is instant where everything is there, and says so", () => {
    const started = performance.now();
    expect(setUp({}, root)).toEqual({ code: 0, err: "setup: ready\n" });
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it.each([
    [
      "a LIBTORCH that is none",
      { LIBTORCH: "/nowhere" },
      /LIBTORCH is \/nowhere, where no .* set it to an unpacked libtorch, or unset it/,
    ],
    [
      "a compiler that cannot be started",
      { CXX: "/nowhere/c++" },
      /CXX is \/nowhere\/c\+\+, which cannot be started; set it/,
    ],
  ])("refuses %s in a sentence", (_, environment, sentence) => {
    const { code, err } = setUp(environment);
    expect(code).toBe(1);
    expect(err).toMatch(sentence);
  });

  it("refuses a libtorch that is too old", () => {
    const { code, err } = setUp({ LIBTORCH: fakeLibtorch("1.8.1") });
    expect(code).toBe(1);
    expect(err).toMatch(/is version 1\.8\.1, and 1\.13 or newer is needed; set LIBTORCH to a newer one/);
  });

  it("refuses an old Node", async () => {
    const { requireNode } = (await import(join(root, "scripts/setup/refusal.mjs"))) as {
      requireNode: (version: string, needed: string) => void;
    };
    expect(() => requireNode("18.20.4", "20.19")).toThrow(
      /Node 18\.20\.4, and Node 20\.19 or newer is needed; install it/,
    );
    expect(() => requireNode("20.19.0", "20.19")).not.toThrow();
  });

  it("tells a program without an addon what to do", () => {
    const bare = mkdtempSync(join(tmpdir(), "dream-bare-"));
    cpSync(join(root, "dist"), join(bare, "dist"), { recursive: true });
    cpSync(join(root, "package.json"), join(bare, "package.json"));
    symlinkSync(join(root, "node_modules"), join(bare, "node_modules"));
    const done = spawnSync(process.execPath, [join(bare, "dist/cli/main.js"), "doctor"], {
      encoding: "utf8",
    });
    expect(done.status).toBe(1);
    expect(done.stderr).toMatch(/no such file\. Run `npm run setup`/);
  });

  it("leaves no path of a package host in the lock file", () => {
    expect(readFileSync(join(root, "package-lock.json"), "utf8")).not.toMatch(/"resolved"/);
  });
});
