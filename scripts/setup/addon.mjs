/**
 * @file Compiles and links `native/` against a libtorch, and tries the result. Nearly all of a file's time goes into libtorch's
 * headers, so the files are compiled as two units, at once: 59 s became 20.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { bring } from "./debian.mjs";
import { Refusal } from "./refusal.mjs";
import { exists, run, say, start } from "./shell.mjs";

/** A C++ compiler; as root one is installed where there is none. */
export function findCompiler() {
  if (process.env.CXX) {
    if (exists(process.env.CXX)) return process.env.CXX;
    throw new Refusal(
      `CXX is ${process.env.CXX}, which cannot be started; set it to a C++ compiler, or unset it`,
    );
  }
  // Not clang++: its OpenMP is another library than libtorch's.
  const found = () => ["c++", "g++"].find(exists);
  const compiler = found();
  if (compiler !== undefined) return compiler;
  const install = "apt-get install -y --no-install-recommends g++";
  if (process.getuid?.() !== 0 || !exists("apt-get"))
    throw new Refusal(`no C++ compiler is installed, and the addon needs one; run as root: ${install}`);
  say("no C++ compiler is installed, and the addon is compiled here: installing g++ with apt");
  run("apt-get", ["update"]);
  const [command, ...args] = install.split(" ");
  const installed = run(command, args, { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  const now = found();
  if (!installed.ok || now === undefined)
    throw new Refusal(
      `installing g++ failed (${installed.err.trim().split("\n").at(-1)}); install a C++ compiler and run the command again`,
    );
  return now;
}

/**
 * @param {string} root the package's folder
 * @param {import("./libtorch.mjs").Libtorch} libtorch
 * @param {string} compiler
 */
export async function buildAddon(root, libtorch, compiler) {
  const objects = join(root, "build", "native");
  rmSync(objects, { recursive: true, force: true });
  mkdirSync(objects, { recursive: true });
  say(`compiling the addon against libtorch ${libtorch.version} (${libtorch.origin}) with ${compiler}`);
  const jpeg = jpegFlags(objects, compiler);
  const compiled = unitsOf(join(root, "native"), objects).map(async (unit) => {
    const object = unit.replace(/\.cc$/, ".o");
    const { ok, out } = await start(compiler, [
      ...compileFlags(root, libtorch),
      ...jpeg.compile,
      "-c",
      unit,
      "-o",
      object,
    ]);
    if (ok) return object;
    process.stderr.write(out);
    throw new Refusal(
      `${compiler} could not compile native/ against libtorch ${libtorch.version}; the compiler's message stands above`,
    );
  });
  const partial = join(root, "build", `dream.${process.pid}.node`);
  const linked = run(compiler, [
    "-shared",
    "-o",
    partial,
    ...(await Promise.all(compiled)),
    ...linkFlags(libtorch),
    ...jpeg.link,
  ]);
  if (!linked.ok) {
    process.stderr.write(linked.err);
    throw new Refusal(`linking the addon against ${libtorch.root} failed; the linker's message stands above`);
  }
  tryAddon(partial, libtorch);
  renameSync(partial, join(root, "build", "dream.node"));
}

/**
 * How to compile and link with libjpeg: the system's, else Debian's or Ubuntu's package, unpacked. Without it pictures are decoded
 * by sharp alone, which takes twice the time; so nothing here is a reason to give up.
 */
export function jpegFlags(folder, compiler) {
  const source = join(folder, "jpeg.cc");
  const program =
    "#include <cstdio>\n#include <jpeglib.h>\nint main() { jpeg_error_mgr e; jpeg_std_error(&e); }\n";
  writeFileSync(source, program);
  const works = ({ compile, link }) =>
    run(compiler, [...compile, source, ...link, "-o", join(folder, "jpeg")]).ok;
  const system = { compile: ["-DDREAM_WITH_JPEG"], link: ["-ljpeg"] };
  if (works(system)) return system;
  for (const name of ["libjpeg62-turbo-dev", "libjpeg-turbo8-dev"]) {
    const unpacked = unpackedJpeg(name);
    if (unpacked !== null && works(unpacked)) return unpacked;
  }
  say("no libjpeg is here, so pictures will be decoded at half the speed; libjpeg-dev brings it");
  return { compile: [], link: [] };
}

function unpackedJpeg(name) {
  let root;
  try {
    root = bring(name, [name], "no libjpeg is installed");
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
  const include = join(root, "usr/include");
  const libraries = readdirSync(join(root, "usr/lib")).map((triplet) => join(root, "usr/lib", triplet));
  const triplets = readdirSync(include).filter((one) => one.endsWith("-gnu"));
  const includes = [include, ...triplets.map((triplet) => join(include, triplet))];
  return {
    compile: ["-DDREAM_WITH_JPEG", ...includes.flatMap((one) => ["-isystem", one])],
    link: [...libraries.flatMap((one) => [`-L${one}`, `-Wl,-rpath,${one}`]), "-ljpeg"],
  };
}

const unitCount = 2;

/** Writes the units, each of which includes its share of the sources. @returns their paths */
function unitsOf(sourceFolder, folder) {
  const sources = readdirSync(sourceFolder)
    .filter((name) => name.endsWith(".cc"))
    .sort();
  return Array.from({ length: unitCount }, (_, unit) => {
    const path = join(folder, `unit-${unit}.cc`);
    const mine = sources.filter((_, i) => i % unitCount === unit);
    writeFileSync(path, mine.map((name) => `#include "${join(sourceFolder, name)}"\n`).join(""));
    return path;
  });
}

export function compileFlags(root, { root: libtorch, includes, flags, version, cuda }) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  // From 2.9 on libtorch's headers are C++20.
  const standard = major > 2 || (major === 2 && minor >= 9) ? "c++20" : "c++17";
  return [
    "-O2",
    // A square root that may set errno is not taken of several numbers at once.
    "-fno-math-errno",
    // Loops are shared among libtorch's own threads: its headers do so only where the compiler knows OpenMP. The library is libtorch's, and not
    // named where the addon is linked, so that there are not two of them.
    "-fopenmp",
    `-std=${standard}`,
    "-fPIC",
    "-Wall",
    "-Wno-deprecated-declarations",
    "-DNAPI_VERSION=8",
    ...flags,
    ...(cuda ? ["-DDREAM_WITH_CUDA"] : []),
    "-isystem",
    createRequire(join(root, "package.json"))("node-api-headers").include_dir,
    ...[...includes, ...(cuda ? cudaIncludes(libtorch) : [])].flatMap((include) => ["-isystem", include]),
  ];
}

/** CUDA's and NCCL's headers, which NCCL's part of c10d needs: PyPI's packages beside torch, and the toolkit's. */
function cudaIncludes(libtorch) {
  const packages = join(libtorch, "..", "nvidia");
  const names = existsSync(packages) ? readdirSync(packages) : [];
  return [...names.map((name) => join(packages, name, "include")), "/usr/local/cuda/include"].filter(
    existsSync,
  );
}

function linkFlags({ libraryFolders, libraries, blas }) {
  // An old-style rpath also serves what libtorch itself needs, so that no library path has to be set.
  const search = blas === null ? libraryFolders : [blas, ...libraryFolders];
  // Debian's LAPACK has a run path of its own, which hides ours from it: what it needs is named here, and so loaded before.
  const fortran = libraryFolders.some((folder) => existsSync(join(folder, "libgfortran.so.5")));
  return [
    ...search.map((folder) => `-L${folder}`),
    "-Wl,--no-as-needed",
    ...(fortran ? ["-l:libgfortran.so.5"] : []),
    ...(blas === null ? [] : ["-l:libblas.so.3"]),
    ...libraries.map((library) => `-l${library}`),
    "-Wl,--disable-new-dtags",
    `-Wl,-rpath,${search.join(":")}`,
  ];
}

function tryAddon(path, libtorch) {
  const tried = run(process.execPath, ["-e", `process.dlopen({exports: {}}, ${JSON.stringify(path)})`]);
  if (tried.ok) return;
  const missing = run("ldd", [path]).out.match(/^\s*(\S+) => not found/gm) ?? [];
  const reason = /Error: (.*)/.exec(tried.err)?.[1] ?? tried.err.trim().split("\n").at(-1);
  throw new Refusal(
    `the addon does not load (${missing.length > 0 ? missing.map((line) => line.trim()).join(", ") : reason}); the libtorch in ${libtorch.root} is incomplete`,
  );
}

/** Whether everything that the addon was linked with is still there. */
export function stillThere({ root, libraryFolders, blas }) {
  return existsSync(root) && libraryFolders.every(existsSync) && (blas === null || existsSync(blas));
}
