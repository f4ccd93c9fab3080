import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { loudRun } from "./loud-run.js";
import { root } from "./process.js";

const run = promisify(execFile);

it("is packed, installed in an empty project, and used there", async () => {
  const project = mkdtempSync(join(tmpdir(), "dream-project-"));
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", project], { cwd: root });
  const [archive] = readdirSync(project) as [string];
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "type": "module", "private": true }\n');
  await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", `./${archive}`], {
    cwd: project,
  });
  const installed = join(project, "node_modules", "dream");
  const files = readdirSync(installed);
  expect(files).toEqual(
    expect.arrayContaining(["dist", "native", "recipes", "scripts", "README.md", "package.json"]),
  );
  for (const left of ["src", "test", "bench", "docs"]) expect(files).not.toContain(left);
  const command = join(project, "node_modules", ".bin", "dream");
  // Without its addon it says what to do.
  const asked = run(command, ["doctor"], { cwd: project });
  await expect(asked).rejects.toThrow(/npx dream setup/);
  // The addon that was compiled for this clone, which set-up finds up to date; test/setup.test.ts compiles one.
  mkdirSync(join(installed, "build"), { recursive: true });
  for (const file of ["dream.node", "engine.json", "addon.stamp"])
    copyFileSync(join(root, "build", file), join(installed, "build", file));
  const setUp = await run(command, ["setup"], { cwd: project });
  expect(setUp.stderr).toBe("setup: ready\n");
  symlinkSync(await loudRun(), join(project, "model"));
  writeFileSync(
    join(project, "draw.js"),
    `import { Dream } from "dream";
const dream = await Dream.load("model");
for await (const event of dream.generate({ prompt: "a red circle", seed: 1 }))
  if (event.type === "picture") console.log(event.picture.width, event.picture.data.length);
await dream.dispose();
`,
  );
  const drawn = await run(process.execPath, ["draw.js"], { cwd: project });
  expect(drawn.stdout).toBe("32 3072\n");
}, 180_000);
