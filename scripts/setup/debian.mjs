/**
 * @file Debian's and Ubuntu's packages without installing them: apt resolves and fetches with lists of our own, dpkg unpacks into a
 * cache folder. The system stays as it is, so root and other users do the same. Debian packages every library that libtorch
 * needs, and no npm package carries one.
 */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Refusal } from "./refusal.mjs";
import { exists, run, say } from "./shell.mjs";

/** Where things that several clones can share are kept. */
export function cacheFolder() {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(base, "dream");
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch {
    throw new Refusal(
      `the cache folder ${folder} cannot be written; set XDG_CACHE_HOME to a folder of yours and run the command again`,
    );
  }
  return folder;
}

/** e.g. `debian-12-x64` */
function system() {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const field = (name) => new RegExp(`^${name}="?([^"\n]*)`, "m").exec(release)?.[1] ?? "unknown";
  return `${field("ID")}-${field("VERSION_ID")}-${process.arch}`;
}

/**
 * Packages and what they need, unpacked into the cache.
 * @param {string} name what the folder is called
 * @param {string[]} packages
 * @param {string} why told to the person
 * @param {string} otherwise what else the person can do
 * @returns {string} the folder, with `usr/` and `lib/` in it
 */
export function bring(name, packages, why, otherwise) {
  const folder = join(cacheFolder(), `${name}-${system()}`);
  if (existsSync(folder)) return folder;
  for (const tool of ["apt-get", "dpkg-deb"])
    if (!exists(tool))
      throw new Refusal(`${packages[0]} is not installed and ${tool} is not here to fetch it; ${otherwise}`);
  const work = `${folder}.${process.pid}.partial`;
  try {
    return fetchInto(folder, work, packages, why, otherwise);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function fetchInto(folder, work, packages, why, otherwise) {
  const state = join(work, "apt");
  for (const part of ["lists/partial", "archives/partial"]) mkdirSync(join(state, part), { recursive: true });
  const options = [
    `Dir::State::Lists=${join(state, "lists")}`,
    `Dir::Cache=${state}`,
    "Debug::NoLocking=1",
    "APT::Sandbox::User=",
    "Acquire::Retries=3",
  ].flatMap((option) => ["-o", option]);
  say(`${why}; asking apt for ${packages.join(", ")} (unpacked into ${folder}, nothing is installed)`);
  const updated = run("apt-get", [...options, "update"]);
  const plan = run("apt-get", [...options, "install", "-s", "--no-install-recommends", ...packages]);
  if (!plan.ok) {
    // Without a network the update only warns, and the plan then finds no package.
    const unreached = /(?:Could not|Failed to|Temporary failure)[^\n]*/.exec(updated.err)?.[0];
    const reason = unreached ?? lastLine(plan.err);
    throw new Refusal(
      `apt cannot provide ${packages.join(", ")} (${reason}); check the network, or ${otherwise}`,
    );
  }
  // "Inst name (version ...)" is new; "Inst name [old] (version ...)" would upgrade what the system has, and stays.
  const planned = [...plan.out.matchAll(/^Inst (\S+) \((\S+)/gm)];
  // What was asked for, and the libraries that its -dev packages point at, belong into the folder even where the system has them.
  const named = packages.flatMap((name) => [name, ...librariesOf(name, options)]);
  const wanted = new Map(named.map((name) => [name, name]));
  for (const [, name, version] of planned) wanted.set(name, `${name}=${version}`);
  const archives = join(work, "debs");
  mkdirSync(archives);
  const fetched = run("apt-get", [...options, "download", ...wanted.values()], { cwd: archives });
  if (!fetched.ok)
    throw new Refusal(
      `fetching packages failed (${lastLine(fetched.err)}); check the network and the disk, and run the command again`,
    );
  const files = readdirSync(archives).filter((file) => file.endsWith(".deb"));
  const megabytes = Math.round(
    files.reduce((sum, file) => sum + statSync(join(archives, file)).size, 0) / 1e6,
  );
  say(`fetched ${files.length} packages, ${megabytes} MB; unpacking`);
  const root = join(work, "root");
  for (const file of files) {
    const unpacked = run("dpkg-deb", ["-x", join(archives, file), root]);
    if (!unpacked.ok)
      throw new Refusal(
        `unpacking ${file} failed (${lastLine(unpacked.err)}); free some disk space and run the command again`,
      );
  }
  try {
    renameSync(root, folder);
  } catch (error) {
    // Another set-up was faster; its folder is as good.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** The libraries of a -dev package's own source, e.g. `libtorch1.13` of `libtorch-dev`. */
function librariesOf(name, options) {
  const stem = name.replace(/-dev$/, "");
  if (stem === name) return [];
  const depends = run("apt-cache", [...options, "depends", name]).out;
  return [...depends.matchAll(/^ +Depends: (\S+)$/gm)]
    .map(([, one]) => one)
    .filter((one) => one.startsWith(stem));
}

function lastLine(text) {
  return text.trim().split("\n").at(-1) ?? "";
}
