/** @file A job under way: pictures that are asked for now and fetched later. It remembers what its followers were told, for those who come late. */
import { randomUUID } from "node:crypto";
import type { z } from "zod";
import { settled } from "../drawing-settings.js";
import type { Dream, GenerateOptions } from "../dream.js";
import type { DrawingProgress } from "../engine/protocol.js";
import type { PictureGallery } from "../picture-gallery.js";
import type { Place } from "./admission.js";
import { asApiError, bodyOf } from "./api-error.js";
import type { ServerContext } from "./context.js";
import { base64Of, type Drawn, type Encoding, imagesOf } from "./drawing-request.js";
import type { ChoiceEvent, Job, StepEvent } from "./job-protocol.js";
import type { imagesSchema } from "./protocol.js";

/** What is told to followers. */
export type Told =
  | { readonly event: "step"; readonly data: StepEvent }
  | { readonly event: "choice"; readonly data: ChoiceEvent }
  | { readonly event: "end"; readonly data: Job };

/** What a job draws, and how it replies. */
export interface JobOrder {
  /** Draws, until the signal says otherwise. */
  readonly draw: (dream: Dream, signal: AbortSignal) => AsyncGenerator<DrawingProgress, void>;
  readonly options: GenerateOptions;
  readonly isEdit: boolean;
  readonly encoding: Encoding;
  /** How long it goes on without a follower; null goes on to its end. */
  readonly followerMs: number | null;
  /** Where its pictures are kept; null keeps them nowhere. */
  readonly gallery: PictureGallery | null;
  /** Keeps a file for a while, and says where it can be had. */
  readonly address: (bytes: Uint8Array, format: string) => string;
}

export class RunningJob {
  readonly id = randomUUID();
  readonly #created = Math.floor(Date.now() / 1000);
  readonly #stop = new AbortController();
  readonly #followers = new Set<(told: Told) => void>();
  readonly #order: JobOrder;
  #status: Job["status"] = "queued";
  #progress: Job["progress"] = null;
  #result: z.infer<typeof imagesSchema> | null = null;
  #error: Job["error"] = null;
  /** The choices, and the last step that showed something. */
  #told: Told[] = [];
  #lonely: NodeJS.Timeout | null = null;

  constructor(order: JobOrder) {
    this.#order = order;
    this.#mind();
  }

  describe(): Job {
    return {
      id: this.id,
      object: "job",
      created: this.#created,
      status: this.#status,
      progress: this.#progress,
      result: this.#result,
      error: this.#error,
    };
  }

  /** Aborted where it is called off. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  get isOver(): boolean {
    return this.#status !== "queued" && this.#status !== "running";
  }

  cancel(): void {
    if (this.isOver) return;
    this.#status = "cancelled";
    this.#stop.abort();
    this.#end();
  }

  /** Told what happened so far, and then what happens. @returns stops following */
  follow(follower: (told: Told) => void): () => void {
    for (const told of this.#told) follower(told);
    if (this.isOver) follower({ event: "end", data: this.describe() });
    this.#followers.add(follower);
    this.#mind();
    return () => {
      this.#followers.delete(follower);
      this.#mind();
    };
  }

  async run({ dream, log }: ServerContext, place: Place): Promise<void> {
    const { draw, encoding, address } = this.#order;
    try {
      const pictures: Drawn[] = [];
      for await (const event of draw(dream, place.signal)) {
        if (event.type === "picture") pictures.push(event);
        else await this.#follow(event);
      }
      const result = await imagesOf(dream, pictures, encoding, address);
      if (this.isOver) return;
      const kept = await this.#keep(dream, pictures, log);
      const data = result.data.map((one, i) => ({ ...one, ...kept[i] }));
      this.#result = { ...result, data };
      this.#status = "succeeded";
    } catch (error) {
      if (this.isOver) return;
      this.#status = "failed";
      this.#fail(place.explain(error), log);
    } finally {
      place.leave();
      if (this.#status !== "cancelled") this.#end();
    }
  }

  /** What cannot be kept is drawn all the same, and is told of. */
  async #keep(
    dream: Dream,
    pictures: readonly Drawn[],
    log: ServerContext["log"],
  ): Promise<{ readonly gallery_id?: string }[]> {
    const { gallery, options, isEdit } = this.#order;
    if (gallery === null) return [];
    const { prompt = "", ...settings } = options;
    const drawing = settled(settings, dream.info.drawing);
    const kept: { gallery_id?: string }[] = [];
    try {
      for (const { seed, ...drawn } of pictures) {
        const from = { prompt, seed, drawing, ...(isEdit ? { edit: {} } : {}) };
        kept.push({ gallery_id: await gallery.keep(drawn, from) });
      }
    } catch (error) {
      this.#fail(error, log);
    }
    return kept;
  }

  #fail(error: unknown, log: ServerContext["log"]): void {
    const told = asApiError(error);
    if (told.status >= 500) log(`job ${this.id}: ${error instanceof Error ? error.stack : String(error)}`);
    const { message, type } = bodyOf(told).error;
    this.#error = { message, type };
  }

  async #follow(event: Exclude<DrawingProgress, Drawn>): Promise<void> {
    if (this.isOver) return;
    this.#status = "running";
    const { done, all } = event;
    this.#progress = { done, all };
    const previews = await this.#shown(event.previews);
    if (event.type === "choice") {
      const candidates = event.candidates.map((row) => [...row]);
      this.#tell({ event: "choice", data: { done, all, previews, candidates } });
    } else this.#tell({ event: "step", data: { done, all, previews } });
  }

  async #shown(previews: Exclude<DrawingProgress, Drawn>["previews"]): Promise<StepEvent["previews"]> {
    if (previews === null) return null;
    return Promise.all(
      previews.map(async ({ pictures, hidden }) => ({
        pictures: await Promise.all(pictures.map((picture) => base64Of(picture, this.#order.encoding))),
        hidden: [...hidden],
      })),
    );
  }

  #tell(told: Told): void {
    if (told.event === "choice") this.#told.push(told);
    else if (told.event === "step" && told.data.previews !== null)
      this.#told = [...this.#told.filter(({ event }) => event === "choice"), told];
    for (const follower of this.#followers) follower(told);
  }

  #end(): void {
    this.#mind();
    this.#tell({ event: "end", data: this.describe() });
    // Whoever comes now is shown what came of it.
    this.#told = [];
  }

  /** Calls it off where nobody follows it any more, if that was asked for. */
  #mind(): void {
    if (this.#lonely !== null) clearTimeout(this.#lonely);
    this.#lonely = null;
    const { followerMs } = this.#order;
    if (followerMs === null || this.#followers.size > 0 || this.isOver) return;
    this.#lonely = setTimeout(() => this.cancel(), followerMs);
    this.#lonely.unref();
  }
}
