/**
 * @file Continuous batching: requests wait in order, and join the drawings under way between two decoding steps, as soon as there is
 * room for all of their canvases. A request is never overtaken.
 */
import type { Begun, DrawingPipeline } from "../drawing.js";

/** A request for drawings. */
export interface QueuedDrawing {
  readonly id: number;
  readonly pipeline: DrawingPipeline;
  /** Canvases that it draws at once, candidates counted. */
  readonly width: number;
  /** @throws DreamError where it cannot be drawn */
  begin(): Begun;
  /** Takes what is drawn. */
  finish(begun: Begun): void;
  fail(error: unknown): void;
}

interface UnderWay {
  readonly job: QueuedDrawing;
  readonly begun: Begun;
}

/** Canvases that are drawn together, where one request alone does not ask for more. */
const mostCanvases = 40;

export class DrawingQueue {
  readonly #waiting: QueuedDrawing[] = [];
  #underWay: UnderWay[] = [];
  /** Steps of all together, and canvases that they computed. */
  steps = 0;
  canvasSteps = 0;

  get waiting(): number {
    return this.#waiting.length;
  }

  get underWay(): number {
    return this.#underWay.length;
  }

  get idle(): boolean {
    return this.waiting + this.underWay === 0;
  }

  add(job: QueuedDrawing): void {
    this.#waiting.push(job);
  }

  /** Drops requests, whose ends are the caller's to tell. */
  drop(unwanted: (job: QueuedDrawing) => boolean): readonly QueuedDrawing[] {
    const waiting = this.#waiting.filter(unwanted);
    for (const job of waiting) this.#waiting.splice(this.#waiting.indexOf(job), 1);
    const dropped = this.#underWay.filter(({ job }) => unwanted(job));
    this.#leave(dropped);
    return [...waiting, ...dropped.map(({ job }) => job)];
  }

  /** Begins what there is room for, and takes everything under way one decoding step on. */
  advance(): void {
    this.#admit();
    for (const pipeline of new Set(this.#underWay.map(({ job }) => job.pipeline))) {
      const together = this.#underWay.filter(({ job }) => job.pipeline === pipeline);
      try {
        pipeline.advance(together.map(({ begun }) => begun));
        this.steps++;
        this.canvasSteps += widthOf(together);
      } catch (error) {
        this.#leave(together);
        for (const { job } of together) job.fail(error);
      }
    }
    const finished = this.#underWay.filter(({ begun }) => begun.finished);
    for (const { job, begun } of finished) attempt(job, () => job.finish(begun));
    this.#leave(finished);
  }

  #admit(): void {
    for (;;) {
      const [job] = this.#waiting;
      if (job === undefined) return;
      const used = widthOf(this.#underWay);
      if (used > 0 && used + job.width > mostCanvases) return;
      this.#waiting.shift();
      attempt(job, () => this.#underWay.push({ job, begun: job.begin() }));
    }
  }

  #leave(those: readonly UnderWay[]): void {
    for (const { begun } of those) begun.dispose();
    this.#underWay = this.#underWay.filter((one) => !those.includes(one));
  }
}

const widthOf = (those: readonly UnderWay[]): number => those.reduce((sum, { job }) => sum + job.width, 0);

function attempt(job: QueuedDrawing, work: () => void): void {
  try {
    work();
  } catch (error) {
    job.fail(error);
  }
}
