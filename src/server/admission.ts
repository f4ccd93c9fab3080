/** @file How much is taken on: a bounded number of requests at a time, each with its own time, and none once the server is ending. */
import { ApiError } from "./api-error.js";

/** What a server takes on. */
export interface Limits {
  /** Requests that are worked on or wait. */
  readonly requests: number;
  /** Of one request's work. */
  readonly timeoutMs: number;
  /** For which a job that is done only while it is followed waits for a follower. */
  readonly followerMs: number;
  /** Of a body. */
  readonly bodyBytes: number;
  /** In which all headers, and a whole request, must have come. */
  readonly headersMs: number;
  readonly arrivalMs: number;
  /** Of a picture that is sent, told before it is decoded. */
  readonly pixels: number;
}

export const usualLimits: Limits = {
  requests: 256,
  timeoutMs: 300_000,
  followerMs: 10_000,
  bodyBytes: 32_000_000,
  headersMs: 10_000,
  arrivalMs: 60_000,
  pixels: 25_000_000,
};

/** A request that was taken on. */
export interface Place {
  /** Aborted where who asked has left, its time is over, or the server waits no longer. */
  readonly signal: AbortSignal;
  /** An error of its work, or what the signal's end means. */
  explain(error: unknown): unknown;
  leave(): void;
}

export class Admission {
  readonly #limits: Limits;
  #isOpen = true;
  #inside = 0;
  /** How long requests took lately. */
  #usualSeconds = 1;
  #whenEmpty = (): void => {};
  /** Aborted where what is under way is not waited for any more. */
  readonly #over = new AbortController();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Requests that are worked on or wait. */
  get inside(): number {
    return this.#inside;
  }

  /** Whether it takes on anything. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Does a request's work.
   * @param left aborted where who asked has left
   * @throws ApiError 429 where there is no room, 503 where the server is ending, 504 where it takes too long
   */
  async admit<T>(left: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const place = this.enter(left);
    try {
      return await work(place.signal);
    } catch (error) {
      throw place.explain(error);
    } finally {
      place.leave();
    }
  }

  /** @throws ApiError 429 where there is no room, 503 where the server is ending */
  enter(left: AbortSignal): Place {
    const { requests, timeoutMs } = this.#limits;
    if (!this.#isOpen)
      throw new ApiError(503, "the server is ending; ask again later", { headers: { "retry-after": "30" } });
    if (this.#inside >= requests)
      throw new ApiError(429, `${requests} requests are waiting already; ask again later`, {
        code: "queue_full",
        headers: { "retry-after": String(Math.max(1, Math.ceil(this.#usualSeconds))) },
      });
    this.#inside++;
    const began = performance.now();
    const late = AbortSignal.timeout(timeoutMs);
    const over = this.#over.signal;
    const explain = (error: unknown): unknown => {
      if (left.aborted) return error;
      if (over.aborted) return new ApiError(503, "the server ended before this was done");
      if (!late.aborted) return error;
      return new ApiError(
        504,
        `not done after ${timeoutMs / 1000} s: ask for fewer steps, candidates or pictures`,
      );
    };
    const leave = (): void => {
      this.#usualSeconds += 0.1 * ((performance.now() - began) / 1000 - this.#usualSeconds);
      this.#inside--;
      if (this.#inside === 0) this.#whenEmpty();
    };
    return { signal: AbortSignal.any([left, late, over]), explain, leave };
  }

  /** Takes on nothing more, and waits so long for what is under way. @returns whether all of it was done */
  async drain(patienceMs: number): Promise<boolean> {
    this.#isOpen = false;
    if (this.#inside === 0) return true;
    const empty = new Promise<true>((resolve) => {
      this.#whenEmpty = () => resolve(true);
    });
    const late = new Promise<false>((resolve) => {
      setTimeout(() => resolve(false), patienceMs).unref();
    });
    const isDone = await Promise.race([empty, late]);
    if (!isDone) this.#over.abort();
    return isDone;
  }
}
