/** @file A job under way: pictures that are asked for now and fetched later. It remembers what its followers were told, for those who come late. */
import { randomUUID } from "node:crypto";
import type { z } from "zod";
import type { DrawingProgress, PreviewedProgress } from "../engine/protocol.js";
import type { PictureGallery } from "../picture-gallery.js";
import type { Place } from "./admission.js";
import { asApiError, bodyOf } from "./api-error.js";
import type { ChoiceEvent, Job, StepEvent } from "./job-protocol.js";
import type { imagesSchema } from "./protocol.js";
import { type Asked, type Drawn, drawnFrom, halfDrawnBase64, imagesOf } from "./replies.js";

/** What followers are told: an event, and its data as JSON. */
export interface Told {
  readonly event: "step" | "choice" | "end";
  readonly text: string;
}

/** What a job is to do beside drawing. */
export interface JobOrder {
  readonly asked: Asked;
  /** How long it goes on without a follower; null goes on to its end. */
  readonly followerMs: number | null;
  /** Where its pictures are kept; null keeps them nowhere. */
  readonly gallery: PictureGallery | null;
  /** Told of what is our fault. */
  readonly log: (line: string) => void;
}

export class RunningJob {
  readonly id = randomUUID();
  readonly #created = Math.floor(Date.now() / 1000);
  readonly #stop: AbortController;
  readonly #followers = new Set<(told: Told) => void>();
  readonly #order: JobOrder;
  #status: Job["status"] = "queued";
  #progress: Job["progress"] = null;
  #result: z.infer<typeof imagesSchema> | null = null;
  #error: Job["error"] = null;
  /** Whether all is drawn, and only kept: too late to call it off. */
  #isDrawn = false;
  /** The choices, and the last step that showed something. */
  #told: Told[] = [];
  #lonely: NodeJS.Timeout | null = null;

  /** @param stop is aborted where it is called off */
  constructor(stop: AbortController, order: JobOrder) {
    this.#stop = stop;
    this.#order = order;
    this.#endIfLonely();
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

  get isOver(): boolean {
    return this.#status !== "queued" && this.#status !== "running";
  }

  cancel(): void {
    if (this.isOver || this.#isDrawn) return;
    this.#status = "cancelled";
    this.#stop.abort();
    this.#end();
  }

  /** Told what happened so far, and then what happens. @returns stops following */
  follow(follower: (told: Told) => void): () => void {
    for (const told of this.#told) follower(told);
    if (this.isOver) follower(this.#lastWord());
    this.#followers.add(follower);
    this.#endIfLonely();
    return () => {
      this.#followers.delete(follower);
      this.#endIfLonely();
    };
  }

  /** @param draw draws until the signal says otherwise */
  async run(
    place: Place,
    draw: (signal: AbortSignal) => AsyncGenerator<DrawingProgress, void>,
  ): Promise<void> {
    try {
      const pictures: Drawn[] = [];
      for await (const event of draw(place.signal)) {
        if (event.type === "picture") pictures.push(event);
        else await this.#show(event);
      }
      const result = await imagesOf(this.#order.asked, pictures);
      if (this.isOver) return;
      this.#isDrawn = true;
      const kept = await this.#keep(pictures);
      const data = result.data.map((one, i) => ({ ...one, ...kept[i] }));
      this.#result = { ...result, data };
      this.#status = "succeeded";
    } catch (error) {
      if (this.isOver) return;
      this.#status = "failed";
      this.#fail(place.explain(error));
    } finally {
      place.leave();
      if (this.#status !== "cancelled") this.#end();
    }
  }

  /** What cannot be kept is drawn all the same, and is told of. */
  async #keep(pictures: readonly Drawn[]): Promise<{ readonly gallery_id?: string }[]> {
    const { gallery, asked } = this.#order;
    const kept: { gallery_id?: string }[] = [];
    try {
      for (const drawn of gallery === null ? [] : pictures)
        kept.push({ gallery_id: await gallery!.keep(drawn, drawnFrom(asked, drawn)) });
    } catch (error) {
      this.#fail(error);
    }
    return kept;
  }

  #fail(error: unknown): void {
    const told = asApiError(error);
    if (told.status >= 500 && told.status !== 503)
      this.#order.log(`job ${this.id}: ${error instanceof Error ? error.stack : String(error)}`);
    const { message, type } = bodyOf(told).error;
    this.#error = { message, type };
  }

  async #show(event: PreviewedProgress): Promise<void> {
    if (this.isOver) return;
    this.#status = "running";
    const { done, all } = event;
    this.#progress = { done, all };
    const previews = await this.#encoded(event.previews);
    // It may have been called off meanwhile.
    if (this.isOver) return;
    if (event.type === "choice") {
      const candidates = event.candidates.map((row) => [...row]);
      this.#tellStep({ event: "choice", data: { done, all, previews, candidates } });
    } else this.#tellStep({ event: "step", data: { done, all, previews } });
  }

  async #encoded(previews: PreviewedProgress["previews"]): Promise<StepEvent["previews"]> {
    if (previews === null) return null;
    const { encoding } = this.#order.asked;
    return Promise.all(
      previews.map(async ({ pictures, hidden }) => ({
        pictures: await Promise.all(pictures.map((picture) => halfDrawnBase64(picture, encoding))),
        hidden: [...hidden],
      })),
    );
  }

  #tellStep(
    step:
      | { readonly event: "step"; readonly data: StepEvent }
      | { readonly event: "choice"; readonly data: ChoiceEvent },
  ): void {
    const told = { event: step.event, text: JSON.stringify(step.data) };
    if (step.event === "choice") this.#told.push(told);
    else if (step.data.previews !== null)
      this.#told = [...this.#told.filter(({ event }) => event === "choice"), told];
    for (const follower of this.#followers) follower(told);
  }

  #end(): void {
    this.#endIfLonely();
    // Whoever comes now is shown what came of it.
    this.#told = [];
    for (const follower of this.#followers) follower(this.#lastWord());
  }

  #lastWord(): Told {
    return { event: "end", text: JSON.stringify(this.describe()) };
  }

  /** Calls it off after a while in which nobody follows it, if that was asked for. */
  #endIfLonely(): void {
    if (this.#lonely !== null) clearTimeout(this.#lonely);
    this.#lonely = null;
    const { followerMs } = this.#order;
    if (followerMs === null || this.#followers.size > 0 || this.isOver) return;
    this.#lonely = setTimeout(() => this.cancel(), followerMs);
    this.#lonely.unref();
  }
}
