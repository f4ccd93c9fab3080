import { createConnection, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { DreamError } from "../errors.js";
import { meet } from "./meeting.js";
import { withoutProcesses } from "./processes.js";
import { isTeamMember, placeIn } from "./team.js";

const complete = {
  RANK: "3",
  WORLD_SIZE: "4",
  LOCAL_RANK: "1",
  LOCAL_WORLD_SIZE: "2",
  MASTER_ADDR: "node-0",
  MASTER_PORT: "29500",
};

function messageOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof DreamError && error.code === "usage") return error.message;
    throw error;
  }
  return "no error";
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

describe("torchrun's variables", () => {
  it("say a process's place", () => {
    expect(placeIn(complete)).toEqual({
      rank: 3,
      size: 4,
      localRank: 1,
      localSize: 2,
      address: "node-0",
      port: 29500,
      agentStore: null,
    });
    const agent = { TORCHELASTIC_USE_AGENT_STORE: "True", TORCHELASTIC_RESTART_COUNT: "2" };
    expect(placeIn({ ...complete, ...agent })?.agentStore).toEqual({ prefix: "dream/attempt_2" });
  });

  it("are not set where a process works alone", () => {
    expect(placeIn({})).toBeNull();
    // What a cluster sets for everything that runs there says nothing.
    expect(isTeamMember({ MASTER_ADDR: "node-0", MASTER_PORT: "29500", RANK: "" })).toBe(false);
  });

  it("are named where some are missing", () => {
    expect(messageOf(() => placeIn({ RANK: "0", WORLD_SIZE: "2", MASTER_ADDR: "" }))).toBe(
      "join the other processes: expected RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT, as torchrun sets them, " +
        "got no LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT. Unset the others to run one process alone",
    );
  });

  it("are checked", () => {
    expect(messageOf(() => placeIn({ ...complete, RANK: "4" }))).toMatch(
      /expected RANK to be a whole number from 0 to 3, got "4"$/,
    );
    expect(messageOf(() => placeIn({ ...complete, LOCAL_WORLD_SIZE: "5" }))).toMatch(/from 1 to 4, got "5"$/);
    expect(messageOf(() => placeIn({ ...complete, MASTER_PORT: "http" }))).toMatch(/from 1 to 65535, got/);
  });
});

describe("a meeting", () => {
  it("gives everyone the same path, and is cleared away", async () => {
    const port = await freePort();
    const paths = await Promise.all(
      [2, 0, 1].map((rank) => meet({ rank, size: 3, port, timeoutMs: 10_000 }, (path) => path)),
    );
    expect(new Set(paths).size).toBe(1);
  });

  it("names who does not come, and lets strangers stand", async () => {
    const port = await freePort();
    const first = meet({ rank: 0, size: 4, port, timeoutMs: 700 }, () => "met");
    const second = meet({ rank: 2, size: 4, port, timeoutMs: 900 }, () => "met");
    const stranger = createConnection({ host: "127.0.0.1", port });
    stranger.on("error", () => {});
    stranger.write("GET / HTTP/1.1\r\n");
    await expect(first).rejects.toThrow(/expected all 4 within 0.7 s, got none of number 1, 3\./);
    await expect(second).rejects.toThrow(/expected process 0 and all others .* got not all of them/);
  });

  it("refuses a process that was started twice", async () => {
    const port = await freePort();
    const at = (rank: number) => meet({ rank, size: 3, port, timeoutMs: 1_500 }, () => "met");
    const results = await Promise.allSettled([at(0), at(1), at(1)]);
    const reasons = results.map((one) => (one.status === "rejected" ? String(one.reason) : "met"));
    expect(reasons[0]).toMatch(/got process 1 of 3 a second time/);
    expect(reasons.slice(1).join()).toMatch(/process 0 does not expect process 1 of 3/);
  });
});

describe("a command of several processes", () => {
  it("is repeated without saying so", () => {
    const args = ["train", "dream-b", "--processes", "4", "--out", "runs/a"];
    expect(withoutProcesses(args)).toEqual(["train", "dream-b", "--out", "runs/a"]);
    expect(withoutProcesses(["train", "--processes=2", "dream-b"])).toEqual(["train", "dream-b"]);
  });
});
