import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { measureSearch } from "../bench/search.js";
import { record } from "./diary.js";
import { dream } from "./process.js";

it("ten thousand pictures are indexed, opened again, and found by what they show", async () => {
  const run = join(mkdtempSync(join(tmpdir(), "dream-quick-")), "run");
  expect(await dream(["demo", "--quick", "--out", run])).toMatchObject({ code: 0 });
  const row = await measureSearch(run, 10_000);
  record("search", { ...row });
  expect(row.exact).toBe(1);
  expect(row.recall).toBeGreaterThan(10 * row.chance);
}, 900_000);
