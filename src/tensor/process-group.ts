/**
 * @file Processes that train one model together, through libtorch's c10d: Gloo between CPUs, NCCL between GPUs. Calls match by their
 * order alone, so every process of a group makes the same ones; a call blocks until all have made it.
 */
import { DreamError } from "../errors.js";
import { tensor } from "./create.js";
import { native } from "./native.js";
import { type Device, scope, slotsOf, Tensor } from "./tensor.js";

/** Where and as whom a process joins its group. */
export interface Rendezvous {
  /** This process's number among all, from 0. */
  readonly rank: number;
  /** How many processes there are. */
  readonly size: number;
  /** This process's number among those of its machine, which is also its GPU's. */
  readonly localRank: number;
  /** How many processes run on this machine. */
  readonly localSize: number;
  readonly backend: "gloo" | "nccl";
  /** A file that all see, of a folder that is deleted afterwards; or a TCPStore, whose keys begin with a prefix where others use it too. */
  readonly meeting:
    | { readonly kind: "file"; readonly path: string }
    | {
        readonly kind: "server" | "client";
        readonly address: string;
        readonly port: number;
        readonly prefix?: string;
      };
  /** What Gloo listens on: an address of this machine, or a network interface's name. */
  readonly listen: { readonly kind: "address" | "interface"; readonly name: string };
  /** How long the others may take to come. */
  readonly joinTimeoutMs: number;
  /** How long a call may wait for the others. */
  readonly timeoutMs: number;
}

/** One process's membership. */
export class ProcessGroup {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  /** Whose tensors the group exchanges. */
  readonly device: Device;
  readonly #slot: number;

  private constructor({ rank, size, localRank, localSize }: Rendezvous, device: Device, slot: number) {
    this.rank = rank;
    this.size = size;
    this.localRank = localRank;
    this.localSize = localSize;
    this.device = device;
    this.#slot = slot;
  }

  /**
   * Joins; blocks until all have.
   * @throws DreamError `peer` where others do not come, `io` where the port is in use, `engine` where the addon lacks the backend
   */
  static join(at: Rendezvous): ProcessGroup {
    const { rank, size, backend, meeting, listen } = at;
    const [place, port, prefix] =
      meeting.kind === "file" ? [meeting.path, 0, ""] : [meeting.address, meeting.port, meeting.prefix ?? ""];
    const device = backend === "nccl" ? `cuda:${at.localRank}` : "cpu";
    const slot = explained("join the other processes", () =>
      native.joinTeam(
        rank,
        size,
        backend,
        device,
        meeting.kind,
        place,
        port,
        prefix,
        listen.kind,
        listen.name,
        at.joinTimeoutMs,
        at.timeoutMs,
      ),
    );
    return new ProcessGroup(at, device, slot);
  }

  /** The sum or the greatest of every process's `x`, in its place. @param x of the same shape everywhere; float16, 32, 64, int32, 64 */
  allReduce(x: Tensor, how: "sum" | "max"): void {
    explained("all-reduce", () => native.allReduce(this.#slot, x.slot, how));
  }

  /** One process's values for everyone, in place and in few messages. @param tensors of the same shapes and types everywhere */
  broadcast(tensors: readonly Tensor[], from: number): void {
    explained("broadcast", () => native.broadcast(this.#slot, slotsOf(tensors), from));
  }

  /**
   * Every process's `x` one after another. Its gradient needs no communication, but two things of the program: every process computes
   * the same loss of what was gathered, and gradients are averaged over the processes afterwards.
   * @param x [B, ...], of the same shape everywhere
   * @returns [P B, ...] by rank
   */
  gather(x: Tensor): Tensor {
    return explained("gather", () => new Tensor(native.gather(this.#slot, x.slot)));
  }

  /**
   * Averages gradients over the processes while a backward pass goes on.
   * @param parameters the same ones in the same order everywhere, on the group's kind of device; they must stay the tensors they are
   * @param bucketBytes of one message, about; the buckets take as much memory as the gradients
   */
  gradientBuckets(parameters: readonly Tensor[], bucketBytes: number): GradientBuckets {
    return new GradientBuckets(
      explained("make gradient buckets", () =>
        native.makeBuckets(this.#slot, slotsOf(parameters), bucketBytes),
      ),
    );
  }

  /** Waits until every process has come here. */
  barrier(): void {
    scope(() => this.allReduce(tensor([0], [1], { device: this.device }), "sum"));
  }

  /** Closes the connections, which the others do not notice unless they call afterwards. Nothing of the group can be used then. */
  leave(): void {
    explained("leave the other processes", () => native.leaveTeam(this.#slot));
  }
}

/**
 * An exchange is arm(), a backward pass, finish(). Passes before arm() accumulate as ever, and their sum is exchanged with the armed one's.
 * Which parameters are reached may differ between processes.
 */
export class GradientBuckets {
  readonly #slot: number;

  /** internal: made by {@link ProcessGroup.gradientBuckets}. */
  constructor(slot: number) {
    this.#slot = slot;
  }

  /**
   * Before the backward pass whose gradients are to be exchanged.
   * @param unreached indices of parameters which that pass will not reach on this process: their buckets need not wait for its end.
   *   Leaving one out only costs time; a gradient for one that is named makes the pass throw.
   */
  arm(unreached: readonly number[]): void {
    explained("begin the exchange of gradients", () => native.armBuckets(this.#slot, unreached));
  }

  /**
   * After it: waits for the others.
   * @returns the average for each parameter, zeros where no process reached it: views into the buckets, valid until the next arm().
   *   The parameters' own gradients are empty then.
   */
  finish(): Tensor[] {
    return explained("exchange gradients", () =>
      native.finishBuckets(this.#slot).map((slot) => new Tensor(slot)),
    );
  }

  /** Takes the hooks off the parameters and frees the buckets. */
  dispose(): void {
    explained("let go of gradient buckets", () => native.disposeBuckets(this.#slot));
  }
}

function explained<T>(operation: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const message = cause.message.split("\n")[0]!;
    if ((cause as NodeJS.ErrnoException).code === "peer")
      throw new DreamError("peer", {
        operation,
        message,
        hint: "look at what that process said last; started again, all of them go on from the last checkpoint",
        cause,
      });
    if (/address already in use/i.test(cause.message))
      throw new DreamError("io", {
        operation,
        expected: "a free port",
        got: "one that another program listens on",
        hint: "set MASTER_PORT to another one, the same for all processes",
        cause,
      });
    throw new DreamError("engine", { operation, message, cause });
  }
}
