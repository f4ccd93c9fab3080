/** @file How to draw, as it stands in the form: what is left empty is the model's. */
import { signal } from "@preact/signals";
import type { Generation } from "../../../src/server/protocol.js";
import type { PictureRecord } from "../../../src/server/studio-protocol.js";

/** As a request says it. */
export type Asked = PictureRecord["settings"];

/** The form's content. */
export const asked = signal<Asked>({ prompt: "" });

export function change(part: Partial<{ [K in keyof Asked]: Asked[K] | undefined }>): void {
  const entries = Object.entries({ ...asked.value, ...part }).filter(([, value]) => value !== undefined);
  asked.value = Object.fromEntries(entries) as Asked;
}

/** As it is sent: settings that the others make meaningless are left out. */
export function requestFor(
  settings: Asked,
  usualCandidates: number,
): Asked & Pick<Generation, "partial_images"> {
  const { selection = "once", select_at, separation, ...same } = settings;
  const several = (settings.candidates ?? usualCandidates) > 1;
  return {
    ...same,
    ...(several && selection !== "once" ? { selection } : {}),
    ...(several && selection !== "halving" && select_at !== undefined ? { select_at } : {}),
    ...(several && selection === "halving" && separation !== undefined ? { separation } : {}),
    partial_images: mostPreviews,
  };
}

/** Half-drawn pictures that a job shows, at most. */
const mostPreviews = 16;

/** A seed that nobody chose. */
export const anySeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0]!;
