/** @file What a picture was drawn from, kept inside its PNG: so a picture that is passed on can be drawn again, or varied. */
import { z } from "zod";
import type { Drawing } from "./drawing.js";
import type { Choice } from "./drawing-choice.js";
import type { DrawingSettings, SettledDrawing } from "./drawing-settings.js";
import { encodePng } from "./formats/images.js";
import { textsIn } from "./formats/png-texts.js";

/** What decides a picture, beside the model. */
export interface DrawnFrom {
  readonly prompt: string;
  readonly seed: number;
  readonly drawing: SettledDrawing;
  /** Of what picture it is an edit, in whatever words; nothing where it is none. */
  readonly edit?: Readonly<Record<string, unknown>>;
}

const steps = z.object({ first: z.number(), last: z.number() });

const choiceSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("plain") }),
  z.object({ kind: z.literal("aligned"), candidates: z.number(), atFraction: z.number() }),
  z.object({
    kind: z.literal("halving"),
    candidates: z.number(),
    rounds: z.array(z.object({ atFraction: z.number(), kept: z.number() })).readonly(),
    separation: z.number().nullable(),
  }),
  z.object({ kind: z.literal("each-step"), candidates: z.number(), fromFraction: z.number() }),
]) satisfies z.ZodType<Choice>;

const recordSchema = z.object({
  prompt: z.string(),
  seed: z.number(),
  choice: choiceSchema,
  sampling: z.object({
    steps: z.number(),
    guidance: z.object({ scale: z.number() }),
    guidanceEvery: z.number(),
    temperature: z.number(),
    tokens: z.object({
      method: z.enum(["ancestral", "ddim", "dpm-solver"]),
      diffusionSteps: steps.nullable(),
    }),
  }),
  negative: z.string().optional(),
  edit: z.record(z.string(), z.unknown()).optional(),
  candidateScores: z.array(z.number()),
  chosen: z.number(),
});

/** What a picture's file says of it. */
export type PictureRecord = z.infer<typeof recordSchema>;

/** The PNG of a drawing, with its record. */
export function encodeRecorded(
  { picture, candidateScores, chosen }: Drawing,
  { prompt, seed, drawing: { choice, sampling, negative }, edit }: DrawnFrom,
): Promise<Uint8Array> {
  const scores = [...candidateScores];
  const record: PictureRecord = {
    prompt,
    seed,
    choice,
    sampling,
    candidateScores: scores,
    chosen,
    negative,
    edit,
  };
  return encodePng(picture, { Description: prompt, Software: "dream", dream: JSON.stringify(record) });
}

/** Null for a picture that has none. */
export function recordIn(bytes: Uint8Array): PictureRecord | null {
  const { dream } = textsIn(bytes);
  if (dream === undefined) return null;
  try {
    return recordSchema.parse(JSON.parse(dream));
  } catch {
    return null;
  }
}

/** The settings that draw a picture again: those of its record, said one by one. */
export function settingsOf({ choice, sampling, negative }: PictureRecord): DrawingSettings {
  const { steps, guidance, guidanceEvery, temperature, tokens } = sampling;
  const isGuided = guidance.scale !== 1;
  return {
    ...settingsOfChoice(choice),
    steps,
    sampler: tokens.method,
    ...(tokens.diffusionSteps === null ? {} : { diffusionSteps: tokens.diffusionSteps }),
    guidanceScale: guidance.scale,
    // What would be ignored is not said.
    ...(isGuided ? { guidanceEvery } : {}),
    ...(tokens.method === "ancestral" ? { temperature } : {}),
    ...(isGuided && negative !== undefined ? { negative } : {}),
  };
}

function settingsOfChoice(choice: Choice): DrawingSettings {
  switch (choice.kind) {
    case "plain":
      return { candidates: 1 };
    case "aligned":
      return { candidates: choice.candidates, selectAt: choice.atFraction };
    case "halving": {
      const { candidates, separation } = choice;
      return { candidates, selection: "halving", ...(separation === null ? {} : { separation }) };
    }
    case "each-step":
      return { candidates: choice.candidates, selection: "each-step", selectAt: choice.fromFraction };
    default:
      throw new Error(`internal: no choice ${choice satisfies never}`);
  }
}
