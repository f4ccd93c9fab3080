/** @file What the JSON beside a scene says of it. */
import { z } from "zod";
import { DreamError } from "../../errors.js";
import { backgrounds, colours, objectSizes, positions, relations, shapes, textures } from "./vocabulary.js";

const share = z.number();

const objectSchema = z.object({
  colour: z.enum(colours),
  shape: z.enum(shapes),
  size: z.enum(objectSizes),
  texture: z.enum(textures),
  x: share,
  y: share,
  radius: share,
  rotation: z.number(),
  depthMetres: z.number(),
  visibleShare: z.number(),
});

/** The truth of one scene. Objects stand from the farthest to the nearest; places and radii are shares of the picture's side. */
export const sceneTruthSchema = z.object({
  level: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  label: z.int(),
  caption: z.string(),
  background: z.enum(backgrounds),
  /** Where the object is (level 1). */
  position: z.enum(positions).optional(),
  /** How the first object named stands to the second, both by their number among the objects (level 2). */
  relation: z.object({ first: z.int(), second: z.int(), kind: z.enum(relations) }).optional(),
  objects: z.array(objectSchema),
});

export type SceneTruth = z.infer<typeof sceneTruthSchema>;

/** @param source what the truth is called in errors @throws DreamError `format` where it is none of ours */
export function parseTruth(value: unknown, source: string): SceneTruth {
  const parsed = sceneTruthSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new DreamError("format", {
    operation: `read ${source}`,
    expected: "the truth of a scene, as `dream data scenes` writes it",
    message: z.prettifyError(parsed.error),
    cause: parsed.error,
  });
}
