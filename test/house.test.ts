import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const source = join(root, "src");

/** From the ground up: a file imports from its own folder, or from lower floors. Folders of one floor are strangers. */
const floors: readonly (readonly string[])[] = [
  ["errors"],
  ["tensor", "formats"],
  ["device"],
  ["nn", "text", "hub"],
  ["models"],
  ["data"],
  ["features"],
  ["generate"],
  ["train", "evaluate"],
  ["recipe"],
  ["golden", "plan", "drawing-choice"],
  ["drawing", "embedding", "machine"],
  ["drawing-settings"],
  ["samples", "evaluation-data", "evaluation-judges", "sample-drawings", "picture-record"],
  ["picture-gallery", "watched-runs"],
  ["report"],
  ["engine"],
  ["dream"],
  ["search"],
  ["server"],
  ["demo", "compare"],
  ["cli"],
  ["index"],
];

const files = readdirSync(source, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));

const roomOf = (file: string): string => file.split("/")[0]!.replace(/\.ts$/, "");
const floorOf = (room: string): number => floors.findIndex((rooms) => rooms.includes(room));

/** Every import of a file from another of ours, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), "utf8");
  return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)\.js"/g)].map(
    ([, path]) => `${relative(source, resolve(dirname(join(source, file)), path!))}.ts`,
  );
}

describe("the house", () => {
  it("has a floor for every room", () => {
    for (const file of files) expect(floorOf(roomOf(file)), file).toBeGreaterThanOrEqual(0);
  });

  it("imports only downward", () => {
    const upward = files.flatMap((file) =>
      importsOf(file)
        .filter((other) => roomOf(other) !== roomOf(file) && floorOf(roomOf(other)) >= floorOf(roomOf(file)))
        .map((other) => `${file} -> ${other}`),
    );
    expect(upward).toEqual([]);
  });

  it("has no cycles", () => {
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
        return;
      }
      state.set(file, "open");
      for (const other of importsOf(file)) visit(other, [...path, file]);
      state.set(file, "done");
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it("has no room without a name of its own", () => {
    expect(files.filter((file) => /(^|\/)(utils?|helpers?|common|misc)(\.ts|\/)/.test(file))).toEqual([]);
  });

  it("says at every door what is behind it", () => {
    const silent = files.filter(
      (file) => !/^(#!.*\n)?\/\*\*[\s\S]{0,6}@file /.test(readFileSync(join(source, file), "utf8")),
    );
    expect(silent).toEqual([]);
  });

  it("reads the environment and ends the process in the commands alone", () => {
    const outside = files.filter(
      (file) =>
        roomOf(file) !== "cli" && /process\.(env|exit)\b/.test(readFileSync(join(source, file), "utf8")),
    );
    expect(outside).toEqual([]);
  });

  it("lends the studio nothing but the server's types", () => {
    const studio = join(root, "studio", "src");
    const borrowed = readdirSync(studio, { recursive: true })
      .map(String)
      .filter((name) => /\.tsx?$/.test(name))
      .flatMap((name) => {
        const text = readFileSync(join(studio, name), "utf8");
        return [...text.matchAll(/^import (type )?[^;]*?from "([./]+src\/[^"]+)";/gm)];
      });
    expect(borrowed.length).toBeGreaterThan(3);
    for (const [line, typesAlone, path] of borrowed) {
      expect(typesAlone, line).toBe("type ");
      expect(path).toMatch(/src\/server\/([a-z]+-)?protocol\.js$/);
    }
  });

  it("knows the addon in one file", () => {
    const knowing = files.filter((file) => /dream\.node/.test(readFileSync(join(source, file), "utf8")));
    expect(knowing).toEqual(["tensor/native.ts"]);
  });
});
