/** @file A request for pictures as the model takes it, and the model's settings as requests say them. */
import { type DrawingSettings, type NameSetting, settled } from "../drawing-settings.js";
import type { Dream, GenerateOptions } from "../dream.js";
import type { PresetName } from "../generate/presets.js";
import { ApiError } from "./api-error.js";
import type { Generation } from "./protocol.js";

const presetOf: Readonly<Record<Exclude<Generation["quality"], "auto">, PresetName>> = {
  low: "fast",
  medium: "balanced",
  high: "exact",
};

/** @throws ApiError for what this model does not draw */
export function optionsOf(dream: Dream, request: Omit<Generation, "model">): GenerateOptions {
  const { size, quality, n } = request;
  const own = `${dream.info.sizePixels}x${dream.info.sizePixels}`;
  if (size !== "auto" && size !== own)
    throw new ApiError(400, `this model draws ${own}, got ${size}`, { param: "size" });
  if (quality !== "auto" && request.preset !== undefined)
    throw new ApiError(400, "quality and preset say the same thing: leave one out", { param: "quality" });
  const preset = quality === "auto" ? request.preset : presetOf[quality];
  const { select_at, guidance_scale, guidance_every, negative_prompt, diffusion_steps } = request;
  const { prompt, seed, candidates, selection, separation, steps, sampler, temperature } = request;
  const settings: DrawingSettings = withoutGaps({
    candidates,
    selection,
    separation,
    preset,
    steps,
    sampler,
    temperature,
    selectAt: select_at,
    diffusionSteps: diffusion_steps,
    guidanceScale: guidance_scale,
    guidanceEvery: guidance_every,
    negative: negative_prompt,
  });
  // Refused here, under the names that were sent.
  settled(settings, dream.info.drawing, webNames);
  return { prompt, count: n, previews: request.partial_images, ...withoutGaps({ seed }), ...settings };
}

/** As requests call settings. */
const webNames: NameSetting = (setting, value) => {
  const name =
    setting === "negative"
      ? "negative_prompt"
      : setting.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return value === undefined ? name : `${name} ${JSON.stringify(value)}`;
};

/** @throws ApiError for a stream of several pictures, or half-drawn ones without a stream */
export function checkStream({
  stream,
  n,
  partial_images,
}: Pick<Generation, "stream" | "n" | "partial_images">): void {
  if (stream && n > 1) throw new ApiError(400, `a stream shows one picture, got n ${n}`, { param: "n" });
  if (!stream && partial_images > 0)
    throw new ApiError(400, "partial_images are shown by a stream: set stream to true", {
      param: "partial_images",
    });
}

type Gapped<T> = { readonly [K in keyof T]: T[K] | undefined };

/** Without what is left open. */
function withoutGaps<T extends object>(settings: Gapped<T>): T {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as T;
}

/** Settings as requests say them. */
export function webSettings(settings: DrawingSettings) {
  const { selectAt, diffusionSteps, guidanceScale, guidanceEvery, negative, ...same } = settings;
  return withoutGaps({
    ...same,
    select_at: selectAt,
    diffusion_steps: diffusionSteps,
    guidance_scale: guidanceScale,
    guidance_every: guidanceEvery,
    negative_prompt: negative,
  });
}
