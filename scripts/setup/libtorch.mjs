/**
 * @file Where libtorch is: LIBTORCH, an importable Python `torch`, the system's, or Debian's packages brought into the cache.
 * @typedef {{origin: string, root: string, version: string, includes: string[], libraryFolders: string[],
 *   libraries: string[], flags: string[], cuda: boolean, blas: string | null, gloo: boolean}} Libtorch
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bring } from "./debian.mjs";
import { Refusal } from "./refusal.mjs";
import { run, say } from "./shell.mjs";

const oldest = [1, 13];

const otherwise = "unpack a libtorch from pytorch.org and set LIBTORCH to its folder";

/** @returns {Libtorch} */
export function findLibtorch() {
  const found = fromVariable() ?? fromPython() ?? fromSystem("the system's packages", "/") ?? fromCache();
  const [major = 0, minor = 0] = found.version.split(".").map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))
    throw new Refusal(
      `the libtorch in ${found.root} is version ${found.version}, and ${oldest.join(".")} or newer is needed; set LIBTORCH to a newer one, or unset it to have one fetched`,
    );
  return found;
}

function fromVariable() {
  const root = process.env.LIBTORCH;
  if (!root) return null;
  const found = fromFolder("LIBTORCH", root);
  if (found === null)
    throw new Refusal(
      `LIBTORCH is ${root}, where no include/torch and lib/libtorch are found; set it to an unpacked libtorch, or unset it to have one fetched`,
    );
  return found;
}

function fromPython() {
  const code =
    "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')";
  const { ok, out } = run("python3", ["-c", code]);
  const root = out.trim();
  // Debian's own Python package has no headers: what it was built from is found as the system's.
  return ok && root !== "" ? fromFolder("Python's torch", root) : null;
}

/** A folder as pytorch.org and PyPI ship it: include/ and lib/ with everything in them. */
function fromFolder(origin, root) {
  const version = versionIn(join(root, "include"));
  const lib = join(root, "lib");
  if (version === null) return null;
  if (oldEnough(version) && !existsSync(join(lib, "libtorch_cpu.so"))) return null;
  const config = join(root, "share/cmake/Torch/TorchConfig.cmake");
  const abi = existsSync(config)
    ? /_GLIBCXX_USE_CXX11_ABI=(\d)/.exec(readFileSync(config, "utf8"))?.[1]
    : undefined;
  const cuda = existsSync(join(lib, "libtorch_cuda.so")) && existsSync("/proc/driver/nvidia/version");
  return {
    origin,
    root,
    version,
    includes: includesOf(join(root, "include")),
    libraryFolders: [lib],
    // Without a GPU the CUDA half of such a folder is left alone, since it needs libraries that may not be there.
    libraries: cuda ? ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"] : ["c10", "torch_cpu"],
    flags: abi === undefined ? [] : [`-D_GLIBCXX_USE_CXX11_ABI=${abi}`],
    cuda,
    blas: null,
    gloo: existsSync(join(root, "include/gloo")),
  };
}

function oldEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

/** Debian's layout, in the system's root or in a folder where packages were unpacked. */
function fromSystem(origin, root) {
  const version = versionIn(join(root, "usr/include"));
  const triplet = tripletIn(root);
  if (version === null || triplet === null) return null;
  const brought = root !== "/";
  const folders = [`usr/lib/${triplet}`, `usr/lib/${triplet}/pulseaudio`, "usr/lib", `lib/${triplet}`];
  return {
    origin,
    root,
    version,
    includes: includesOf(join(root, "usr/include"), brought),
    libraryFolders: folders.map((folder) => join(root, folder)).filter(existsSync),
    libraries: ["c10", "torch_cpu"],
    flags: [],
    cuda: false,
    blas: openmpBlas(root, triplet),
    gloo: existsSync(join(root, "usr/include/gloo")),
  };
}

/**
 * The OpenBLAS that shares libtorch's threads. Debian's default one spins a pool of its own, which made a training step 2.7 times
 * slower; so the addon names this one first, and the system's choice is left alone.
 */
function openmpBlas(root, triplet) {
  const folder = join(root, `usr/lib/${triplet}/openblas-openmp`);
  if (existsSync(folder)) return folder;
  const own = `/usr/lib/${triplet}/openblas-openmp`;
  if (existsSync(own)) return own;
  const packages = ["libopenblas0-openmp"];
  const brought = bring(
    "openblas",
    packages,
    "libtorch is installed, but not the BLAS that shares its threads",
    otherwise,
  );
  return join(brought, `usr/lib/${triplet}/openblas-openmp`);
}

function fromCache() {
  const packages = ["libtorch-dev", "libgloo-dev", "libopenblas0-openmp", "libgomp1"];
  const root = bring("libtorch", packages, "no libtorch is installed", otherwise);
  const found = fromSystem("Debian's packages, unpacked", root);
  if (found === null)
    throw new Refusal(`the cache folder ${root} holds no libtorch; delete it and run the command again`);
  say(`libtorch ${found.version} is in ${root}`);
  return found;
}

function tripletIn(root) {
  const known = ["x86_64-linux-gnu", "aarch64-linux-gnu"];
  return known.find((triplet) => existsSync(join(root, `usr/lib/${triplet}/libtorch_cpu.so`))) ?? null;
}

function includesOf(include, quoted = true) {
  const api = join(include, "torch/csrc/api/include");
  // The system's own include folder is searched anyway, and naming it would disturb the compiler's order.
  return quoted ? [include, api] : [api];
}

function versionIn(include) {
  // Newer versions (2.11 for one) keep the numbers in a header of their own.
  const header = ["torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h"]
    .map((name) => join(include, name))
    .find(existsSync);
  if (header === undefined) return null;
  const text = readFileSync(header, "utf8");
  const part = (name) => new RegExp(`#define TORCH_VERSION_${name} (\\d+)`).exec(text)?.[1];
  const parts = ["MAJOR", "MINOR", "PATCH"].map(part);
  return parts[0] === undefined ? null : parts.filter((one) => one !== undefined).join(".");
}
