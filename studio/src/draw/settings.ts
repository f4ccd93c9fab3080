/** @file How to draw, as it stands in the form: what is left empty is the model's. */
import { signal } from "@preact/signals";
import type { DrawnRecord } from "../../../src/server/studio-protocol.js";
import { studio } from "../api.js";

/** As a request says it. */
type Asked = DrawnRecord["settings"];

/** As the form has it: both ends of the diffusion steps by themselves. */
export type FormSettings = Omit<Asked, "diffusion_steps"> & {
  readonly first_diffusion_steps?: number;
  readonly last_diffusion_steps?: number;
};

/** The form's content. */
export const asked = signal<FormSettings>({ prompt: "" });

/** What is undefined is left to the model. */
export function change(part: { readonly [K in keyof FormSettings]?: FormSettings[K] | undefined }): void {
  const entries = Object.entries({ ...asked.value, ...part }).filter(([, value]) => value !== undefined);
  asked.value = Object.fromEntries(entries) as FormSettings;
}

/** Puts a request's settings into the form. */
export function restore({ diffusion_steps, ...settings }: Asked): void {
  const { first, last } = diffusion_steps ?? {};
  asked.value = { prompt: "" };
  change({ ...settings, first_diffusion_steps: first, last_diffusion_steps: last });
}

/** Half-drawn pictures that a job shows, at most. */
const mostPreviews = 16;

/** The form as it is sent: settings that the others make meaningless are left out. */
export function requestOf(form: FormSettings): Asked & { readonly partial_images: number } {
  const { drawing } = studio.value!;
  const {
    selection = "once",
    select_at,
    separation,
    temperature,
    guidance_every,
    negative_prompt,
    ...others
  } = form;
  const { first_diffusion_steps: first, last_diffusion_steps: last, ...same } = others;
  const several = (form.candidates ?? drawing.candidates) > 1;
  const guided = (form.guidance_scale ?? drawing.guidance_scale) !== 1;
  const either = first ?? last;
  const said: { readonly [K in keyof Asked]: Asked[K] | undefined } = {
    ...same,
    selection: several && selection !== "once" ? selection : undefined,
    select_at: several && selection !== "halving" ? select_at : undefined,
    separation: several && selection === "halving" ? separation : undefined,
    temperature: (form.sampler ?? "ancestral") === "ancestral" ? temperature : undefined,
    guidance_every: guided ? guidance_every : undefined,
    negative_prompt: guided ? negative_prompt : undefined,
    diffusion_steps: either === undefined ? undefined : { first: first ?? either, last: last ?? either },
  };
  const entries = Object.entries(said).filter(([, value]) => value !== undefined);
  return { ...(Object.fromEntries(entries) as Asked), partial_images: mostPreviews };
}

/** A seed that nobody chose. */
export const anySeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0]!;
