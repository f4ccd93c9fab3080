#!/usr/bin/env node
/**
 * @file Makes a bare clone ready: npm packages, libtorch, the addon, the compiled TypeScript. Run by `npm run setup`, `demo`
 * and `test`; needs Node and nothing installed by npm. What is done already is not done again.
 */
const needed = "20.19";

async function main() {
  const { requireNode, Refusal } = await import("./setup/refusal.mjs");
  const quiet = process.argv.includes("--quiet");
  try {
    requireNode(process.versions.node, needed);
    const { setUp } = await import("./setup/steps.mjs");
    await setUp({ quiet });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    process.stderr.write(`setup: ${error.message}\n`);
    process.exitCode = 1;
  }
}

main();
