/**
 * @file The processes that train together, as torchrun's variables describe them; `dream train --processes` sets the same ones. Where
 * all run on one machine nothing listens beyond loopback.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { DreamError } from "../errors.js";
import { cudaDeviceCount, ProcessGroup, type Rendezvous } from "../tensor/index.js";
import { endWithLauncher } from "./launcher.js";
import { meet } from "./meeting.js";

/** How long others may take to start: a cluster's machines do not begin at once. */
const joinTimeoutMs = 300_000;
/** How long a call waits for the others: process 0 may be drawing samples or writing a checkpoint on a slow disk. */
const timeoutMs = 1_800_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** A process's place, as the variables say it. */
export interface Place {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  readonly address: string;
  readonly port: number;
  /** torchrun's own store, which listens at that address already; its keys begin with a prefix. */
  readonly agentStore: { readonly prefix: string } | null;
}

/** Whether this process was started as one of several. */
export function isTeamMember(environment: Environment = process.env): boolean {
  return counts.some((name) => set(environment, name) !== undefined);
}

/**
 * Joins the processes that torchrun's variables name.
 * @param device whose tensors they exchange
 * @returns null where the variables are not set: this process works alone
 * @throws DreamError `usage` where they are incomplete, `peer` where others do not come, `io` where the port is in use
 */
export async function joinTeam(device: "cpu" | "cuda"): Promise<ProcessGroup | null> {
  const place = placeIn(process.env);
  if (place === null) return null;
  endWithLauncher();
  if (device === "cuda") checkDevice(place);
  const { rank, size, localRank, localSize, port } = place;
  const from = {
    ...{ rank, size, localRank, localSize, joinTimeoutMs, timeoutMs },
    backend: device === "cuda" ? "nccl" : "gloo",
  } as const;
  if (place.agentStore === null && staysOnMachine(place))
    return meet({ rank, size, port, timeoutMs: joinTimeoutMs }, (path) =>
      ProcessGroup.join({ ...from, meeting: { kind: "file", path }, listen: loopback }),
    );
  return ProcessGroup.join({ ...from, ...(await meetingBeyond(place)) });
}

const counts = ["RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"] as const;
const needed = [...counts, "MASTER_ADDR", "MASTER_PORT"] as const;

/** What the variables say; null where none of them counts processes. @throws DreamError `usage` */
export function placeIn(environment: Environment): Place | null {
  if (!isTeamMember(environment)) return null;
  const missing = needed.filter((name) => set(environment, name) === undefined);
  if (missing.length > 0)
    throw mistake(
      `${needed.join(", ")}, as torchrun sets them`,
      `no ${missing.join(", ")}`,
      "unset the others to run one process alone",
    );
  const size = count(environment, "WORLD_SIZE", 1, 65_536);
  const localSize = count(environment, "LOCAL_WORLD_SIZE", 1, size);
  const agent = environment.TORCHELASTIC_USE_AGENT_STORE?.toLowerCase() === "true";
  return {
    size,
    localSize,
    rank: count(environment, "RANK", 0, size - 1),
    localRank: count(environment, "LOCAL_RANK", 0, localSize - 1),
    address: set(environment, "MASTER_ADDR")!,
    port: count(environment, "MASTER_PORT", 1, 65_535),
    agentStore: agent ? { prefix: `dream/attempt_${environment.TORCHELASTIC_RESTART_COUNT ?? "0"}` } : null,
  };
}

/** A variable's value; one that is empty counts as not set, as in a shell. */
function set(environment: Environment, name: string): string | undefined {
  return environment[name]?.trim() || undefined;
}

function count(environment: Environment, name: string, least: number, most: number): number {
  const text = set(environment, name)!;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw mistake(`${name} to be a whole number from ${least} to ${most}`, JSON.stringify(text));
  return value;
}

function mistake(expected: string, got: string, hint?: string): DreamError {
  return new DreamError("usage", {
    operation: "join the other processes",
    expected,
    got,
    ...(hint === undefined ? {} : { hint }),
  });
}

function checkDevice({ localRank, localSize }: Place): void {
  const devices = cudaDeviceCount();
  if (localRank < devices) return;
  throw mistake(
    "a GPU for each process of a machine",
    `${devices} for ${localSize}`,
    "start no more processes than there are GPUs",
  );
}

const loopback = { kind: "address", name: "127.0.0.1" } as const;

/** torchrun --standalone names the machine by its host name, though nobody else takes part. */
function staysOnMachine({ address, size, localSize }: Place): boolean {
  return localSize === size || isLoopback(address);
}

function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || address.startsWith("127.");
}

/** Through libtorch's TCPStore, torchrun's own or process 0's. */
async function meetingBeyond(place: Place): Promise<Pick<Rendezvous, "meeting" | "listen">> {
  const { rank, address, port, agentStore } = place;
  const listen = staysOnMachine(place) ? loopback : await reachableAs(address, port);
  if (agentStore !== null) return { listen, meeting: { kind: "client", address, port, ...agentStore } };
  return { listen, meeting: { kind: rank === 0 ? "server" : "client", address, port } };
}

/** What Gloo listens on for other machines: GLOO_SOCKET_IFNAME, or the address that leads to process 0. */
async function reachableAs(address: string, port: number): Promise<Rendezvous["listen"]> {
  const name = process.env.GLOO_SOCKET_IFNAME;
  if (name) return { kind: "interface", name };
  const found = await addressTowards(address, port);
  if (found !== null && !isLoopback(found)) return { kind: "address", name: found };
  throw mistake(
    "an address of this machine that the others reach",
    found === null ? `no way to ${address}` : `${found} on the way to ${address}`,
    "set MASTER_ADDR to an address that all machines reach, or GLOO_SOCKET_IFNAME to the interface between them",
  );
}

/** The address that this machine sends from; connecting a datagram socket asks the routing table and sends nothing. */
async function addressTowards(address: string, port: number): Promise<string | null> {
  const socket = createSocket("udp4");
  try {
    socket.connect(port, address);
    await once(socket, "connect");
    return socket.address().address;
  } catch {
    return null;
  } finally {
    socket.close();
  }
}
