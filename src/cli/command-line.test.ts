import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commandLine, quoted } from "./command-line.js";

describe("a command to type again", () => {
  it("has the options that were given", () => {
    const options = {
      "--out": "my run",
      "--steps": 3,
      "--pixels": true,
      "--json": false,
      "--init": undefined,
      "--set": ["seed=1", "masking={kind: never}"],
    };
    expect(commandLine("dream train x", options)).toBe(
      "dream train x --out 'my run' --steps 3 --pixels --set seed=1 --set 'masking={kind: never}'",
    );
  });

  it("is read by a shell as it was meant", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((word) => !/[\0\n]/.test(word)),
        (word) => {
          const { stdout } = spawnSync("sh", ["-c", `printf %s ${quoted(word)}`], { encoding: "utf8" });
          expect(stdout).toBe(word);
        },
      ),
      { numRuns: 50 },
    );
  });
});
