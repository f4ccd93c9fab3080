/** @file The serving bench: a server of the demo's model in a process of its own, asked by many at once and by one after another. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { judgedPrompts } from "../src/demo/prompts.js";
import { packageRoot } from "../src/tensor/index.js";
import { expectedOf, load, quantile } from "./load.js";

/** What requests ask for beside their sentence. */
const cases: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  plain: { candidates: 1 },
  "plain-balanced": { candidates: 1, preset: "balanced" },
  sad: { candidates: 5 },
};

export const servingCases = Object.keys(cases);

/** Clients at once. */
const clients = 40;
const seconds = 15;
const sentences = 8;

export interface ServingRow {
  readonly case: string;
  readonly unit: "images/s";
  /** Of many clients at once, and of one. */
  readonly together: number;
  readonly alone: number;
  readonly ratio: number;
  /** From a request to its reply, with many clients. */
  readonly milliseconds: { readonly p50: number; readonly p99: number };
}

export async function* measureServing(only: string | undefined): AsyncGenerator<ServingRow> {
  const { server, address } = await startServer(join(packageRoot(), "runs", "demo"));
  try {
    for (const [name, how] of Object.entries(cases)) {
      if (only !== undefined && only !== name) continue;
      const bodies = judgedPrompts(sentences).map(({ caption, seed }) => ({ prompt: caption, seed, ...how }));
      const requests = await expectedOf(address, bodies);
      const alone = await load(address, { clients: 1, seconds, requests, vanishing: 0 });
      const together = await load(address, { clients, seconds, requests, vanishing: 0 });
      const wrong = [...alone.wrong, ...together.wrong];
      if (wrong.length > 0) throw new Error(`${wrong.length} replies were wrong, the first: ${wrong[0]}`);
      const [one, many] = [alone, together].map(
        ({ milliseconds, seconds: took }) => milliseconds.length / took,
      );
      yield {
        case: name,
        unit: "images/s",
        together: many!,
        alone: one!,
        ratio: many! / one!,
        milliseconds: {
          p50: quantile(together.milliseconds, 0.5),
          p99: quantile(together.milliseconds, 0.99),
        },
      };
    }
  } finally {
    server.kill("SIGTERM");
    await once(server, "exit");
  }
}

export function servingSentence({
  case: name,
  together,
  alone,
  ratio,
  milliseconds: { p50, p99 },
}: ServingRow): string {
  return `${name}: ${together.toFixed(2)} images/s for ${clients} clients, ${alone.toFixed(2)} for one, ratio ${ratio.toFixed(2)}; a reply in ${p50.toFixed(0)} ms (median), ${p99.toFixed(0)} ms (99 of 100)`;
}

/** @param model a run's folder @param options of `dream serve` */
export async function startServer(
  model: string,
  options: readonly string[] = [],
): Promise<{ readonly server: ChildProcess; readonly address: string }> {
  const main = join(packageRoot(), "dist", "cli", "main.js");
  const server = spawn(
    process.execPath,
    [main, "serve", "--model", model, "--port", "0", "--json", ...options],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const line = await Promise.race([
    once(server.stdout!, "data").then(([data]) => String(data)),
    once(server, "exit").then(([code]) => {
      throw new Error(`the server ended with code ${code}`);
    }),
  ]);
  return { server, address: (JSON.parse(line) as { address: string }).address };
}
