/** @file A drawing under way: what the server tells of it, as the page shows it. */
import { computed, signal } from "@preact/signals";
import type { ChoiceEvent, Job, StepEvent } from "../../../src/server/job-protocol.js";
import { ask, askFor, eventsOf, sending, sentenceOf, studio } from "../api.js";
import { type Asked, requestFor } from "./settings.js";

/** A picture as far as it is drawn. */
export interface HalfDrawn {
  readonly base64: string;
  /** The tokens that are still to be drawn, by their places. */
  readonly hidden: readonly number[];
}

/** One of the drafts that the model chooses between. */
export interface Draft {
  readonly candidate: number;
  /** As far as it was drawn when it was last compared, or, before that, as far as it is. */
  readonly half: HalfDrawn | null;
  /** Cosine with the sentence, at the last choice that it was in. */
  readonly score: number | null;
  /** Whether it goes on. */
  readonly kept: boolean;
}

export type Phase = "idle" | "waiting" | "drawing" | "done" | "cancelled" | "failed";

export const phase = signal<Phase>("idle");
export const problem = signal("");
/** Decoding steps. */
export const progress = signal({ done: 0, all: 0 });
/** Steps after which drafts were dropped. */
export const choices = signal<readonly number[]>([]);
export const drafts = signal<readonly Draft[]>([]);
/** What the canvas shows while it is drawn: the draft that goes on, or the best of several. */
export const current = signal<HalfDrawn | null>(null);
/** The picture that is finished, or was brought to be edited. */
export const finished = signal<{ readonly base64: string; readonly seed: number | null } | null>(null);
/** What of it is to be drawn anew: tokens, by their places. */
export const marked = signal<ReadonlySet<number>>(new Set());

export const isUnderWay = computed(() => phase.value === "waiting" || phase.value === "drawing");

let job: Job | null = null;
let left = new AbortController();

/** Draws. @param edit a picture, and a mask whose light pixels are drawn anew */
export async function draw(settings: Asked, edit: { image: Blob; mask: Blob } | null): Promise<void> {
  if (isUnderWay.value) return;
  begin();
  const { candidates: usual } = studio.value!.drawing;
  const request = {
    ...requestFor(settings, usual),
    while_followed: true,
    keep: studio.value!.gallery,
  };
  try {
    job =
      edit === null
        ? await askFor<Job>("/v1/jobs", sending(request))
        : await askFor<Job>("/v1/jobs/edits", form({ ...request, keep_pixels: true }, edit));
    const reply = await ask(`/v1/jobs/${job.id}/events`, { signal: left.signal });
    for await (const { event, data } of eventsOf(reply)) {
      if (event === "step") step(data as StepEvent);
      if (event === "choice") choose(data as ChoiceEvent);
      if (event === "end") end(data as Job);
    }
    if (isUnderWay.value) throw new Error("the line to the server was lost");
  } catch (error) {
    if (left.signal.aborted) return;
    phase.value = "failed";
    problem.value = sentenceOf(error);
  }
}

/** Calls the drawing off. */
export async function cancel(): Promise<void> {
  if (job === null || !isUnderWay.value) return;
  await ask(`/v1/jobs/${job.id}`, { method: "DELETE", keepalive: true }).catch((error: unknown) => {
    problem.value = sentenceOf(error);
  });
}

// Whoever closes the page wants nothing drawn any more.
addEventListener("pagehide", () => void cancel());

/** Shows a picture that was drawn before, or comes from somebody's disk. */
export function bring(base64: string, seed: number | null): void {
  if (isUnderWay.value) return;
  begin();
  phase.value = "done";
  finished.value = { base64, seed };
}

function begin(): void {
  left.abort();
  left = new AbortController();
  job = null;
  phase.value = "waiting";
  problem.value = "";
  progress.value = { done: 0, all: 0 };
  choices.value = [];
  drafts.value = [];
  current.value = null;
  finished.value = null;
  marked.value = new Set();
}

function form(request: Record<string, unknown>, { image, mask }: { image: Blob; mask: Blob }): RequestInit {
  const body = new FormData();
  for (const [name, value] of Object.entries(request))
    body.set(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  body.set("image", image, "image.png");
  body.set("mask", mask, "mask.png");
  return { method: "POST", body };
}

function step({ done, all, previews }: StepEvent): void {
  phase.value = "drawing";
  progress.value = { done, all };
  const shown = previews?.[0];
  if (shown === undefined) return;
  const { pictures, hidden } = shown;
  const going = drafts.value.filter(({ kept }) => kept);
  // A step that is drawn several times has as many drafts as it has draws.
  const candidates =
    going.length === pictures.length ? going.map(({ candidate }) => candidate) : [...pictures.keys()];
  const halves = candidates.map((candidate, i) => ({ candidate, half: { base64: pictures[i]!, hidden } }));
  current.value = halves.find(({ candidate }) => candidate === best(going))?.half ?? halves[0]!.half;
  if (halves.length === 1 && choices.value.length > 0) return;
  show(halves.map(({ candidate, half }) => ({ candidate, half, score: scoreOf(candidate), kept: true })));
}

function choose({ done, all, candidates, previews }: ChoiceEvent): void {
  progress.value = { done, all };
  choices.value = [...choices.value, done];
  const { pictures, hidden } = previews?.[0] ?? { pictures: [], hidden: [] };
  const compared = (candidates[0] ?? []).map((one, i) => ({
    ...one,
    half: pictures[i] === undefined ? null : { base64: pictures[i], hidden },
  }));
  show(compared);
  const chosen = best(compared.filter(({ kept }) => kept));
  current.value = compared.find(({ candidate }) => candidate === chosen)?.half ?? current.value;
}

const scoreOf = (candidate: number): number | null =>
  drafts.value.find((one) => one.candidate === candidate)?.score ?? null;

/** Of some drafts the one that fits best; null where there is none. */
const best = (some: readonly Draft[]): number | null =>
  some.reduce<Draft | null>(
    (most, one) => (most === null || (one.score ?? -1) > (most.score ?? -1) ? one : most),
    null,
  )?.candidate ?? null;

/** Puts drafts among those that were dropped before. */
function show(compared: readonly Draft[]): void {
  const others = drafts.value.filter((one) => !compared.some(({ candidate }) => candidate === one.candidate));
  drafts.value = [...others, ...compared].sort((a, b) => a.candidate - b.candidate);
}

function end({ status, error, result }: Job): void {
  const drawn = result?.data[0];
  if (drawn !== undefined) finished.value = { base64: drawn.b64_json!, seed: drawn.seed };
  current.value = null;
  problem.value = error?.message ?? "";
  phase.value = status === "succeeded" ? "done" : status === "cancelled" ? "cancelled" : "failed";
}
