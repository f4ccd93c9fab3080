/** @file A request for pictures as the model takes it, and what is drawn as a reply. */

import type { z } from "zod";
import { type DrawingSettings, type NameSetting, settled } from "../drawing-settings.js";
import type { Dream, EditOptions, GenerateOptions } from "../dream.js";
import type { DrawingProgress } from "../engine/protocol.js";
import { encodePicture, type Picture } from "../formats/images.js";
import type { PresetName } from "../generate/presets.js";
import { ApiError } from "./api-error.js";
import type { Generation, imagesSchema } from "./protocol.js";

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

/** How an edit keeps what was not marked. */
export const keptAs = (keepPixels: boolean): NonNullable<EditOptions["keep"]> =>
  keepPixels ? "pixels" : "tokens";

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

/** How a picture is written into a reply. */
export type Encoding = Pick<Generation, "response_format" | "output_format" | "output_compression">;

export type Drawn = Extract<DrawingProgress, { type: "picture" }>;

export const base64Of = async (
  picture: Picture,
  { output_format, output_compression }: Encoding,
): Promise<string> =>
  Buffer.from(await encodePicture(picture, output_format, output_compression)).toString("base64");

/** What replies say of all pictures. */
export const commonOf = ({ info }: Dream, { output_format }: Encoding) =>
  ({
    size: `${info.sizePixels}x${info.sizePixels}`,
    output_format,
    background: "opaque",
  }) as const;

/** @param address keeps a file, and says where it can be had */
export async function imagesOf(
  dream: Dream,
  drawn: readonly Drawn[],
  encoding: Encoding,
  address: (bytes: Uint8Array, format: string) => string,
): Promise<z.infer<typeof imagesSchema>> {
  const data = await Promise.all(
    drawn.map(async ({ picture, seed, candidateScores, chosen }) => {
      const told = { seed, candidate_scores: [...candidateScores], chosen };
      const { response_format, output_format, output_compression } = encoding;
      if (response_format === "b64_json") return { b64_json: await base64Of(picture, encoding), ...told };
      const bytes = await encodePicture(picture, output_format, output_compression);
      return { url: address(bytes, output_format), ...told };
    }),
  );
  return { created: Math.floor(Date.now() / 1000), data, ...commonOf(dream, encoding) };
}
