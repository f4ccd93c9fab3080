/** @file `dream setup`: libtorch and the addon, for whoever installed the package; a clone has `npm run setup`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";

export function addSetup(program: Command): void {
  program
    .command("setup")
    .description("find or bring libtorch, and compile the addon; what is done already is not done again")
    .addHelpText("after", "\nExample:\n  $ npx dream setup")
    .action(async () => {
      const script = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "scripts", "setup.mjs");
      const child = spawn(process.execPath, [script], { stdio: "inherit" });
      const [code] = await once(child, "exit");
      process.exitCode = code ?? 1;
    });
}
