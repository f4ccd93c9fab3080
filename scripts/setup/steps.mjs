/** @file The steps in their order, each with a stamp of what it was done for. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAddon, findCompiler, stillThere } from "./addon.mjs";
import { findLibtorch } from "./libtorch.mjs";
import { Refusal } from "./refusal.mjs";
import { run, say } from "./shell.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const build = join(root, "build");

/** @param {{quiet: boolean}} options */
export async function setUp({ quiet }) {
  // Where the package is installed, npm has brought its packages, and it comes compiled.
  const isClone = existsSync(join(root, "src"));
  const release = lock();
  try {
    if (isClone) installPackages();
    await makeAddon();
    if (isClone) {
      compileTypeScript();
      buildStudio();
      linkCommand();
    }
    if (!quiet) say("ready");
  } finally {
    release();
  }
}

/** Two set-ups in one clone would trample each other: the second waits. */
function lock() {
  mkdirSync(build, { recursive: true });
  const folder = join(build, "setup.lock");
  const owner = join(folder, "pid");
  for (let waited = 0; ; waited++) {
    try {
      mkdirSync(folder);
      writeFileSync(owner, String(process.pid));
      return () => rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== "EEXIST")
        throw new Refusal(
          `${build} cannot be written (${error.message}); make it writable and run the command again`,
        );
    }
    const pid = existsSync(owner) ? Number(readFileSync(owner, "utf8")) : 0;
    const abandoned = pid > 0 ? !isAlive(pid) : Date.now() - statSync(folder).mtimeMs > 10_000;
    if (abandoned) rmSync(folder, { recursive: true, force: true });
    else {
      if (waited === 0) say("another set-up is at work in this clone; waiting for it");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    }
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function hashOf(...parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(String(part)).update("\0");
  return hash.digest("hex");
}

/** Every file below a folder, with its content. */
function contentOf(folder, ending) {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => ending.test(name))
    .sort()
    .map((name) => `${name}\0${readFileSync(join(folder, name), "utf8")}`)
    .join("\0");
}

/** Whether a step was done for this key already. */
function isDone(step, key) {
  const stamp = join(build, `${step}.stamp`);
  return existsSync(stamp) && readFileSync(stamp, "utf8") === key;
}

function done(step, key) {
  writeFileSync(join(build, `${step}.stamp`), key);
}

function installPackages() {
  const key = hashOf(readFileSync(join(root, "package-lock.json")), process.version);
  if (isDone("packages", key) && existsSync(join(root, "node_modules", "typescript"))) return;
  say("installing npm packages (npm ci)");
  const installed = run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: root });
  if (!installed.ok) {
    process.stderr.write(`${installed.err.trim().split("\n").slice(0, 8).join("\n")}\n`);
    throw new Refusal(
      "npm could not install the packages; the beginning of its message stands above: check the network and run the command again",
    );
  }
  done("packages", key);
}

async function makeAddon() {
  const settings = [process.env.LIBTORCH ?? "", process.env.CXX ?? "", process.arch];
  const key = hashOf(
    contentOf(join(root, "native"), /\.(cc|h)$/),
    contentOf(join(root, "scripts", "setup"), /\.mjs$/),
    ...settings,
  );
  const record = join(build, "engine.json");
  if (isDone("addon", key) && existsSync(join(build, "dream.node")) && existsSync(record)) {
    if (stillThere(JSON.parse(readFileSync(record, "utf8")))) return;
  }
  const libtorch = findLibtorch();
  const compiler = findCompiler();
  await buildAddon(root, libtorch, compiler);
  writeFileSync(record, `${JSON.stringify({ ...libtorch, compiler }, null, 2)}\n`);
  done("addon", key);
}

function compileTypeScript() {
  const key = hashOf(contentOf(join(root, "src"), /\.ts$/), readFileSync(join(root, "tsconfig.json")));
  if (isDone("typescript", key) && existsSync(join(root, "dist", "index.js"))) return;
  say("compiling TypeScript");
  rmSync(join(root, "dist"), { recursive: true, force: true });
  rmSync(join(build, "tsc.tsbuildinfo"), { force: true });
  const compiled = run(process.execPath, [
    join(root, "node_modules/typescript/bin/tsc"),
    "-p",
    join(root, "tsconfig.json"),
  ]);
  if (!compiled.ok) {
    process.stderr.write(compiled.out);
    throw new Refusal("TypeScript does not compile; its message stands above");
  }
  done("typescript", key);
}

/** The page that `dream serve` shows to people. */
function buildStudio() {
  const files = ["studio/index.html", "studio/tsconfig.json", "studio/vite.config.ts", "package-lock.json"];
  const key = hashOf(
    contentOf(join(root, "studio", "src"), /\.(tsx?|css)$/),
    ...files.map((file) => readFileSync(join(root, file))),
  );
  if (isDone("studio", key) && existsSync(join(root, "dist", "studio", "index.html"))) return;
  say("building the studio");
  const config = join(root, "studio", "vite.config.ts");
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  const built = run(process.execPath, [vite, "build", "--config", config, "--logLevel", "warn"]);
  if (!built.ok) {
    process.stderr.write(built.err);
    throw new Refusal("the studio cannot be built; its message stands above");
  }
  done("studio", key);
}

/** `npx dream` in the clone is this package's command. */
function linkCommand() {
  const command = join(root, "dist", "cli", "main.js");
  if (!existsSync(command)) return;
  chmodSync(command, 0o755);
  const link = join(root, "node_modules", ".bin", "dream");
  if (!existsSync(link)) symlinkSync("../../dist/cli/main.js", link);
}
