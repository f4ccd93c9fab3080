/** @file Chromium for tests: the one that is installed, or Debian's package, unpacked into the cache. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { root } from "../../test/process.js";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** What is started, and what it needs to be told. */
interface Program {
  readonly path: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Opens a browser without a window. */
export async function openBrowser(): Promise<Browser> {
  const { path, environment } = process.env.CHROMIUM
    ? { path: process.env.CHROMIUM, environment: {} }
    : (installed() ?? (await brought()));
  const env = Object.fromEntries(
    Object.entries({ ...process.env, ...environment }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
  // As root, and in containers, Chromium has no sandbox of its own; it sees our own page alone.
  return chromium.launch({ executablePath: path, chromiumSandbox: false, env });
}

/** One that starts. Ubuntu's `chromium-browser` may be a note that a snap would have to be installed. */
function installed(): Program | null {
  for (const path of names)
    if (spawnSync(path, ["--version"], { encoding: "utf8" }).stdout?.includes("Chrom"))
      return { path: spawnSync("which", [path], { encoding: "utf8" }).stdout.trim(), environment: {} };
  return null;
}

async function brought(): Promise<Program> {
  const { bring } = (await import(join(root, "scripts/setup/debian.mjs"))) as {
    bring: (name: string, packages: readonly string[], why: string, otherwise: string) => string;
  };
  const folder = bring(
    "chromium",
    ["chromium", "fonts-dejavu-core"],
    "no Chromium is installed, in which the studio is tested",
    "install one, or set CHROMIUM to its program",
  );
  const fonts = join(root, "build", "fonts.conf");
  mkdirSync(join(root, "build"), { recursive: true });
  writeFileSync(
    fonts,
    `<?xml version="1.0"?><fontconfig><dir>${folder}/usr/share/fonts</dir><dir>/usr/share/fonts</dir></fontconfig>`,
  );
  const triplet = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  const libraries = [
    `usr/lib/${triplet}`,
    `lib/${triplet}`,
    `usr/lib/${triplet}/pulseaudio`,
    "usr/lib/chromium",
  ];
  return {
    path: join(folder, "usr/lib/chromium/chromium"),
    environment: {
      LD_LIBRARY_PATH: libraries.map((library) => join(folder, library)).join(":"),
      FONTCONFIG_FILE: fonts,
    },
  };
}
