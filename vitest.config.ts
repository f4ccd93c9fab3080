/** @file Test runner: one file at a time, because every file shares the same cores with libtorch's own threads. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "studio/test/**/*.test.ts"],
    pool: "forks",
    fileParallelism: false,
    // Of tests that say so: commands that end before libtorch computes.
    maxConcurrency: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
