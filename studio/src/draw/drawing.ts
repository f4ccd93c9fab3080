/** @file A drawing under way: what the server tells of it, as the page shows it. */
import { computed, signal } from "@preact/signals";
import type { ChoiceEvent, Job, StepEvent } from "../../../src/server/job-protocol.js";
import { ask, askFor, eventsOf, Refusal, sending, sentenceOf, studio } from "../api.js";
import { type FormSettings, requestOf } from "./settings.js";

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

/** A picture that is finished, or was brought to be edited. */
export interface Finished {
  readonly base64: string;
  /** Null where it does not say. */
  readonly seed: number | null;
}

export const phase = signal<"idle" | "waiting" | "drawing" | "done" | "cancelled" | "failed">("idle");
export const problem = signal("");
/** Decoding steps. */
export const progress = signal({ done: 0, all: 0 });
/** Steps after which drafts were dropped. */
export const choices = signal<readonly number[]>([]);
export const drafts = signal<readonly Draft[]>([]);
/** What the canvas shows while it is drawn: the draft that goes on, or the best of several. */
export const current = signal<HalfDrawn | null>(null);
export const finished = signal<Finished | null>(null);
/** What of it is to be drawn anew: tokens, by their places. */
export const marked = signal<ReadonlySet<number>>(new Set());

export const isUnderWay = computed(() => phase.value === "waiting" || phase.value === "drawing");

/** One drawing, from the request to its end. */
interface UnderWay {
  /** The job; null until the server has answered. */
  id: string | null;
  /** Whether it was called off before that. */
  unwanted: boolean;
  /** What there was before, which comes back where nothing comes of it. */
  readonly before: { readonly finished: Finished | null; readonly marked: ReadonlySet<number> };
}

let underWay: UnderWay | null = null;

/** Draws. @param edit a picture, and a mask whose light pixels are drawn anew */
export async function draw(
  form: FormSettings,
  edit: { readonly image: Blob; readonly mask: Blob } | null,
): Promise<void> {
  if (isUnderWay.value) return;
  const own: UnderWay = {
    id: null,
    unwanted: false,
    before: { finished: finished.value, marked: marked.value },
  };
  underWay = own;
  clear("waiting");
  const request = { ...requestOf(form), while_followed: true, keep: studio.value!.gallery };
  try {
    const { id } =
      edit === null
        ? await askFor<Job>("/v1/jobs", sending(request))
        : await askFor<Job>("/v1/jobs/edits", formOf({ ...request, keep_pixels: true }, edit));
    own.id = id;
    if (own.unwanted) await cancel();
    end(await followed(id), own);
  } catch (error) {
    comeBack("failed", own);
    problem.value = sentenceOf(error);
  }
}

/** A line that was lost is taken up again so often. */
const mostTries = 4;

/** Follows a job to its end. @throws Refusal where the server does not know it, or does not answer any more */
async function followed(id: string): Promise<Job> {
  for (let tries = 1; ; tries++)
    try {
      const reply = await ask(`/v1/jobs/${id}/events`);
      // Choices so far are told again.
      choices.value = [];
      for await (const { event, data } of eventsOf(reply)) {
        if (event === "step") step(data as StepEvent);
        if (event === "choice") choose(data as ChoiceEvent);
        if (event === "end") return data as Job;
      }
      throw new Refusal(0, "the line to the server was lost");
    } catch (error) {
      const isLost = !(error instanceof Refusal) || error.status === 0;
      if (!isLost || tries === mostTries) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500 * tries));
    }
}

/** Calls the drawing off. */
export async function cancel(): Promise<void> {
  if (underWay === null || !isUnderWay.value) return;
  const { id } = underWay;
  underWay.unwanted = true;
  if (id === null) return;
  await ask(`/v1/jobs/${id}`, { method: "DELETE", keepalive: true }).catch((error: unknown) => {
    problem.value = sentenceOf(error);
  });
}

// Whoever closes the page wants nothing drawn any more.
addEventListener("pagehide", () => void cancel());

/** Shows a picture that was drawn before, or comes from somebody's disk. */
export function bring(picture: Finished): void {
  clear("done");
  finished.value = picture;
}

function clear(next: "waiting" | "done"): void {
  phase.value = next;
  problem.value = "";
  progress.value = { done: 0, all: 0 };
  choices.value = [];
  drafts.value = [];
  current.value = null;
  finished.value = null;
  marked.value = new Set();
}

/** Nothing came of it: what there was before is there again. */
function comeBack(why: "cancelled" | "failed", { before }: UnderWay): void {
  phase.value = why;
  if (before.finished === null) return;
  finished.value = before.finished;
  marked.value = before.marked;
}

function formOf(request: Record<string, unknown>, { image, mask }: { image: Blob; mask: Blob }): RequestInit {
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
  // A step that is drawn several times has as many drafts as it has draws, none of them compared yet.
  const isCompared = going.length === pictures.length;
  const halves = pictures.map((base64, i) => ({
    candidate: isCompared ? going[i]!.candidate : i,
    half: { base64, hidden },
    score: isCompared ? going[i]!.score : null,
    kept: true,
  }));
  current.value = halves.find(({ candidate }) => candidate === best(going))?.half ?? halves[0]!.half;
  if (halves.length > 1 || choices.value.length === 0) show(halves);
}

function choose({ done, all, candidates, previews }: ChoiceEvent): void {
  progress.value = { done, all };
  choices.value = [...choices.value, done];
  const shown = previews?.[0];
  const compared = (candidates[0] ?? []).map((one, i) => ({
    ...one,
    half:
      shown === undefined
        ? (drafts.value.find(({ candidate }) => candidate === one.candidate)?.half ?? null)
        : { base64: shown.pictures[i]!, hidden: shown.hidden },
  }));
  show(compared);
  const chosen = best(compared.filter(({ kept }) => kept));
  current.value = compared.find(({ candidate }) => candidate === chosen)?.half ?? current.value;
}

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

function end({ status, error, result }: Job, own: UnderWay): void {
  const drawn = result?.data[0];
  if (drawn === undefined) comeBack(status === "cancelled" ? "cancelled" : "failed", own);
  else {
    finished.value = { base64: drawn.b64_json!, seed: drawn.seed };
    phase.value = "done";
  }
  problem.value = error?.message ?? "";
}
