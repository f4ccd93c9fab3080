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
    };
    expect(commandLine("dream train x", options)).toBe("dream train x --out 'my run' --steps 3 --pixels");
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
