/**
 * @file How a frozen model wants its pictures, as `preprocessor_config.json` says it: what CLIP and DINOv2 have in common. Resizing
 * and cropping are done where pictures are read; here are the numbers, and the arithmetic after.
 */
import { join } from "node:path";
import { z } from "zod";
import { DreamError } from "../../errors.js";
import { scope, type Tensor, tensor } from "../../tensor/index.js";
import { readJson } from "./pretrained.js";

/** Red, green and blue. */
export type Colour = readonly [number, number, number];

/** What is done to a picture, in this order. */
export interface PicturePreparation {
  /** Pixels of the shorter edge after resizing (the longer one is cut to a whole number); null leaves the size as it is. */
  readonly shortestEdge: number | null;
  readonly resample: "bilinear" | "bicubic";
  /** Pixels of the square that is cut from the middle; null cuts nothing. */
  readonly cropSize: number | null;
  /** Taken from colours in 0..1. */
  readonly mean: Colour;
  /** What they are divided by then. */
  readonly std: Colour;
}

/** What the library takes where a file says nothing. */
const clipMean: Colour = [0.48145466, 0.4578275, 0.40821073];
const clipStd: Colour = [0.26862954, 0.26130258, 0.27577711];

const pixels = z.int().min(1).max(100_000);
const colour = z.tuple([z.number(), z.number(), z.number()]);
const switchedOn = z.boolean().default(true);

const schema = z
  .object({
    image_processor_type: z
      .enum(["CLIPImageProcessor", "CLIPImageProcessorFast", "BitImageProcessor", "BitImageProcessorFast"])
      .optional(),
    feature_extractor_type: z.enum(["CLIPFeatureExtractor", "BitImageProcessor"]).optional(),
    do_resize: switchedOn,
    size: z.union([pixels, z.strictObject({ shortest_edge: pixels })]).default(224),
    resample: z.literal([2, 3]).default(3),
    do_center_crop: switchedOn,
    crop_size: z
      .union([
        pixels,
        z
          .strictObject({ height: pixels, width: pixels })
          .refine(({ height, width }) => height === width, "expected a square"),
      ])
      .default(224),
    do_rescale: z.literal(true).default(true),
    rescale_factor: z
      .number()
      .refine((factor) => Math.abs(factor * 255 - 1) < 1e-6, "expected 1/255")
      .default(1 / 255),
    do_normalize: switchedOn,
    image_mean: colour.default([...clipMean]),
    image_std: colour
      .refine((std) => std.every((one) => one > 0), "expected more than 0")
      .default([...clipStd]),
  })
  .transform(
    (file): PicturePreparation => ({
      shortestEdge: file.do_resize
        ? typeof file.size === "number"
          ? file.size
          : file.size.shortest_edge
        : null,
      resample: file.resample === 2 ? "bilinear" : "bicubic",
      cropSize: file.do_center_crop
        ? typeof file.crop_size === "number"
          ? file.crop_size
          : file.crop_size.height
        : null,
      mean: file.do_normalize ? file.image_mean : [0, 0, 0],
      std: file.do_normalize ? file.image_std : [1, 1, 1],
    }),
  );

/** @throws DreamError `io` where a folder has no `preprocessor_config.json`, `format` with the path of everything that is not supported */
export function readPreparation(folder: string): PicturePreparation {
  const path = join(folder, "preprocessor_config.json");
  const parsed = schema.safeParse(readJson(path));
  if (parsed.success) return parsed.data;
  throw new DreamError("format", {
    operation: `read ${path}`,
    message: z.prettifyError(parsed.error),
    hint: "pictures of this model are prepared in a way that is not supported",
    cause: parsed.error,
  });
}

/**
 * Colours as a model wants them.
 * @param bytes uint8 [B, 3, H, W] @returns float32 [B, 3, H, W]
 */
export function normaliseBytes(
  bytes: Tensor,
  { mean, std }: Pick<PicturePreparation, "mean" | "std">,
): Tensor {
  return scope(() => normaliseColours(bytes.to({ dtype: "float32" }).div(255), { mean, std }));
}

/** The same from colours in 0..1. @param colours float32 [B, 3, H, W] @returns float32 [B, 3, H, W] */
export function normaliseColours(
  colours: Tensor,
  { mean, std }: Pick<PicturePreparation, "mean" | "std">,
): Tensor {
  const { device } = colours;
  return scope(() =>
    colours.sub(tensor(mean, [3, 1, 1], { device })).div(tensor(std, [3, 1, 1], { device })),
  );
}
