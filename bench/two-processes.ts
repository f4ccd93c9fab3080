/** @file The row `two-processes`: a step of two processes of one thread each, against one process of two threads. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchCase } from "./rows.js";
import { stepCases } from "./train-cases.js";

const script = join(dirname(fileURLToPath(import.meta.url)), "team-member.js");

/** Processes that stay for all turns. */
class Team {
  readonly #members: readonly ChildProcess[];
  readonly #ready: Promise<unknown>;

  constructor(size: number, folder: string) {
    const env = { ...process.env, OMP_NUM_THREADS: String(2 / size) };
    const path = join(folder, `of-${size}`);
    this.#members = Array.from({ length: size }, (_, rank) =>
      fork(script, [String(rank), String(size), path], { env }),
    );
    this.#ready = Promise.all(this.#members.map((member) => once(member, "message")));
  }

  /** The slowest one's seconds. */
  async step(): Promise<number> {
    await this.#ready;
    const answers = this.#members.map((member) => once(member, "message"));
    for (const member of this.#members) member.send("step");
    return Math.max(...(await Promise.all(answers)).map(([seconds]) => Number(seconds)));
  }

  end(): void {
    for (const member of this.#members) member.kill();
  }
}

let teams: { readonly two: Team; readonly one: Team; readonly folder: string } | null = null;

async function started(): Promise<NonNullable<typeof teams>> {
  if (teams !== null) return teams;
  const folder = await mkdtemp(join(tmpdir(), "dream-bench-"));
  teams = { two: new Team(2, folder), one: new Team(1, folder), folder };
  return teams;
}

export async function endTeams(): Promise<void> {
  if (teams === null) return;
  teams.two.end();
  teams.one.end();
  await rm(teams.folder, { recursive: true, force: true });
  teams = null;
}

export const twoProcesses: BenchCase = {
  name: "two-processes",
  unit: "images/s",
  scale: (seconds) => stepCases["step-nano-f32"]!.lengths.length / seconds,
  ours: async () => (await started()).two.step(),
  against: async () => (await started()).one.step(),
  rounds: 7,
};
