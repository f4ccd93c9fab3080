/** @file The model as programs use it: five lines load it and draw. It computes in a thread of its own, so the program goes on meanwhile. */
import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { DrawingSettings } from "./drawing-settings.js";
import { type EngineThread, enterEngine, leaveEngine } from "./engine/engine-thread.js";
import type {
  DrawingProgress,
  DrawOrder,
  EngineStatistics,
  LoadedModel,
  ModelInfo,
  Nearest,
  PictureInput,
  RegionInput,
} from "./engine/protocol.js";
import { DreamError } from "./errors.js";
import type { Picture } from "./formats/images.js";
import type { Box } from "./generate/region.js";
import type { HubOptions, OnDownload } from "./hub/resolve-model.js";

/** A picture in hand: a file's path, the bytes of a JPEG, PNG or WebP file, or decoded pixels. Its middle is taken. */
export type ImageInput = string | Uint8Array | Picture;

/** Where a model computes, and how it is found. */
export interface LoadOptions extends Cancellable {
  /** `auto`, `cpu`, `cuda` or `cuda:1`; `auto` takes a GPU where there is one. */
  readonly device?: string;
  /** Of matrix products; bfloat16 is for hardware that multiplies it. */
  readonly precision?: "float32" | "bfloat16";
  /** How the hub is used; where left out, the public one, as nobody, with the cache that all of Hugging Face's tools share. */
  readonly hub?: Partial<HubOptions>;
  readonly onDownload?: OnDownload;
}

/** How a drawing is called off. */
export interface Cancellable {
  readonly signal?: AbortSignal;
}

/** What to draw, and how; what is left out is the preset's or the model's. */
export interface GenerateOptions extends DrawingSettings, Cancellable {
  /** For a model that captions condition. */
  readonly prompt?: string;
  /** For a model that classes condition. */
  readonly label?: number;
  /** Of the first picture; the next ones count up. The same seed draws the same picture. Drawn at random where left out. */
  readonly seed?: number;
  /** Pictures; 1 where left out. */
  readonly count?: number;
  /** Half-drawn pictures to be shown on the way; none where left out. */
  readonly previews?: number;
}

/** A picture of which a part is drawn anew. */
export interface EditOptions extends GenerateOptions {
  readonly image: ImageInput;
  /** What is drawn anew: a box in the model's pixels, */
  readonly box?: Box;
  /** or a picture whose transparent pixels, or, where it has none, whose light ones are. */
  readonly mask?: ImageInput;
  /** `tokens`: what was not marked goes through the model's codec; `pixels`: it is pasted from the original. `tokens` where left out. */
  readonly keep?: "tokens" | "pixels";
}

/** Vectors that can be looked through. */
export interface KeptVectors {
  /** Those of the highest cosine, all of them compared; the highest first. */
  nearest(query: Float32Array, count: number): Promise<Nearest[]>;
  /** Frees them. */
  dispose(): Promise<void>;
}

/** A label with its share of the probability. */
export interface Labelled {
  readonly label: string;
  readonly probability: number;
}

/** Largest whole number that a seed may be. */
const largestSeed = 2 ** 32 - 1;

/** Pictures of one request. */
const mostPictures = 100;

/**
 * A trained model, loaded.
 * @example
 * const dream = await Dream.load("runs/demo");
 * for await (const event of dream.generate({ prompt: "a large red circle in the centre", candidates: 5 }))
 *   if (event.type === "picture") await writeFile("circle.png", await encodePng(event.picture));
 * await dream.dispose();
 */
export class Dream {
  /** What it is, how it draws, and what it reads. */
  readonly info: ModelInfo;
  readonly #thread: EngineThread;
  readonly #model: number;
  #isDisposed = false;

  private constructor(thread: EngineThread, { model, info }: LoadedModel) {
    this.#thread = thread;
    this.#model = model;
    this.info = info;
  }

  /**
   * Loads a model.
   * @param model a folder that a run left, or `owner/name` on the hub
   * @throws DreamError `io` where it cannot be found, `format` or `state` where it is damaged
   * @example
   * const dream = await Dream.load("runs/demo", { device: "cpu" });
   */
  static async load(
    model: string,
    { device = "auto", precision = "float32", hub = {}, onDownload = () => {}, signal }: LoadOptions = {},
  ): Promise<Dream> {
    const thread = enterEngine();
    try {
      const order = { model, device, precision, hub: { ...publicHub(), ...hub } };
      return new Dream(thread, await thread.load(order, onDownload, signal ?? null));
    } catch (error) {
      await leaveEngine(thread);
      throw error;
    }
  }

  /**
   * Draws pictures of one prompt. Events come as it happens: a `step` for each decoding step, a `choice` where candidates are
   * dropped, and a `picture` for each one that is finished. Leaving the loop calls the rest off.
   * @throws DreamError `value` or `usage` for what cannot be drawn; what the signal was aborted with
   * @example
   * for await (const event of dream.generate({ prompt: "a small blue square", seed: 7, previews: 3 })) console.log(event.type);
   */
  generate(options: GenerateOptions): AsyncGenerator<DrawingProgress, void> {
    return this.#draw(options, async () => null);
  }

  /**
   * Draws a part of a picture anew; the prompt tells what the whole picture shows afterwards. Events are those of {@link generate}.
   * @throws DreamError as {@link generate} does, `io` or `format` for a picture that cannot be read
   * @example
   * const box = { x: 0, y: 0, width: 16, height: 16 };
   * for await (const event of dream.edit({ image: "circle.png", box, prompt: "a small blue square in the top left" }))
   *   if (event.type === "picture") await writeFile("edited.png", await encodePng(event.picture));
   */
  edit({
    image,
    box,
    mask,
    keep = "tokens",
    ...options
  }: EditOptions): AsyncGenerator<DrawingProgress, void> {
    return this.#draw(options, async () => ({
      picture: await pictureOf(image),
      region: await regionOf(box, mask),
      pasted: keep === "pixels",
    }));
  }

  /**
   * Sentences as unit vectors, in the space of {@link embedImage}.
   * @throws DreamError `value` for a sentence that is longer than the model reads
   * @example
   * const [circle, square] = await dream.embedText(["a red circle", "a blue square"]);
   */
  async embedText(texts: readonly string[], { signal }: Cancellable = {}): Promise<Float32Array[]> {
    const rows = await this.#engine().embedTexts(this.#model, texts, signal ?? null);
    return rows.map((row) => Float32Array.from(row));
  }

  /**
   * Pictures as unit vectors, in the space of {@link embedText}.
   * @throws DreamError `io` or `format` for a picture that cannot be read
   * @example
   * const [circle] = await dream.embedImage(["circle.png"]);
   */
  async embedImage(images: readonly ImageInput[], { signal }: Cancellable = {}): Promise<Float32Array[]> {
    const pictures = await Promise.all(images.map(pictureOf));
    const rows = await this.#engine().embedPictures(this.#model, pictures, signal ?? null);
    return rows.map((row) => Float32Array.from(row));
  }

  /**
   * How well sentences fit a picture: cosines, -1 to 1.
   * @example
   * const [fits] = await dream.score("circle.png", ["a red circle"]);
   */
  async score(image: ImageInput, texts: readonly string[], options: Cancellable = {}): Promise<number[]> {
    const [[picture], sentences] = await Promise.all([
      this.embedImage([image], options),
      this.embedText(texts, options),
    ]);
    return sentences.map((sentence) => sentence.reduce((sum, value, i) => sum + value * picture![i]!, 0));
  }

  /**
   * Which of some sentences fits a picture, the likeliest first: the softmax of their cosines, scaled as in training (zero-shot, CLIP's way).
   * @example
   * const [best] = await dream.classify("circle.png", ["a red circle", "a blue square"]);
   */
  async classify(
    image: ImageInput,
    labels: readonly string[],
    options: Cancellable = {},
  ): Promise<Labelled[]> {
    const scores = await this.score(image, labels, options);
    const most = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(this.info.logitScale * (score - most)));
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    return labels
      .map((label, i) => ({ label, probability: weights[i]! / all }))
      .sort((a, b) => b.probability - a.probability);
  }

  /**
   * Words or tokens of each text; how many the model reads is told by `info.longestCaption`.
   * @example
   * const [words] = await dream.countWords(["a red circle"]);
   */
  countWords(texts: readonly string[]): Promise<number[]> {
    return this.#engine().countWords(this.#model, texts);
  }

  /**
   * Keeps vectors where they can be looked through, as fast as the machine multiplies.
   * @param rows unit vectors, one after another, of `info.embeddingWidth` numbers each
   * @example
   * const [circle, square] = await dream.embedText(["a red circle", "a blue square"]);
   * const kept = await dream.keepVectors(new Float32Array([...circle, ...square]));
   * const [nearest] = await kept.nearest(circle, 1);
   * await kept.dispose();
   */
  async keepVectors(rows: Float32Array): Promise<KeptVectors> {
    const thread = this.#engine();
    const width = this.info.embeddingWidth ?? 0;
    if (width === 0 || rows.length === 0 || rows.length % width !== 0)
      throw new DreamError("value", {
        operation: "keep vectors",
        expected: `whole vectors of ${width} numbers`,
        got: `${rows.length} numbers`,
      });
    const vectors = await thread.keepVectors(rows, width);
    return {
      nearest: (query, count) => thread.nearest(vectors, query, count),
      dispose: () => thread.dropVectors(vectors),
    };
  }

  /** What the engine has done for all models of this program. */
  statistics(): Promise<EngineStatistics> {
    return this.#engine().statistics();
  }

  /** Frees the model; what is under way is called off. The last one ends the engine's thread. */
  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    if (this.#thread.isAlive) await this.#thread.unload(this.#model);
    await leaveEngine(this.#thread);
  }

  /** {@link dispose}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async *#draw(
    {
      prompt,
      label,
      seed = randomInt(largestSeed),
      count = 1,
      previews = 0,
      signal,
      ...settings
    }: GenerateOptions,
    edit: () => Promise<DrawOrder["edit"]>,
  ): AsyncGenerator<DrawingProgress, void> {
    requireWhole("seed", seed, 0, largestSeed);
    requireWhole("count", count, 1, mostPictures);
    requireWhole("previews", previews, 0, Number.MAX_SAFE_INTEGER);
    const order = {
      prompt: this.#told(prompt, label),
      label: label ?? null,
      seeds: Array.from({ length: count }, (_, i) => seed + i),
      settings,
      previews,
      edit: await edit(),
    };
    yield* this.#engine().draw(this.#model, order, signal ?? null);
  }

  /** The prompt. @throws DreamError `usage` where the model is told in another way what to draw */
  #told(prompt: string | undefined, label: number | undefined): string {
    const [asked, other] = this.info.classes === null ? [prompt, label] : [label, prompt];
    if (asked !== undefined && other === undefined) return prompt ?? "";
    throw new DreamError("usage", {
      operation: "draw",
      expected:
        this.info.classes === null ? "a prompt alone" : `a label from 0 to ${this.info.classes - 1} alone`,
      got: other === undefined ? "nothing" : this.info.classes === null ? "a label" : "a prompt",
    });
  }

  #engine(): EngineThread {
    if (!this.#isDisposed) return this.#thread;
    throw new DreamError("usage", {
      operation: "use a model",
      expected: "one that is loaded",
      got: "one that was disposed",
    });
  }
}

const publicHub = (): HubOptions => ({
  endpoint: "https://huggingface.co",
  token: null,
  cacheFolder: join(homedir(), ".cache", "huggingface", "hub"),
  offline: false,
});

async function pictureOf(image: ImageInput): Promise<PictureInput> {
  if (typeof image !== "string") return image instanceof Uint8Array ? { bytes: image, name: "image" } : image;
  try {
    return { bytes: await readFile(image), name: image };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("io", { operation: `read ${image}`, message, hint: "check the path", cause });
  }
}

async function regionOf(box: Box | undefined, mask: ImageInput | undefined): Promise<RegionInput> {
  if (box !== undefined && mask === undefined) return { box };
  if (mask !== undefined && box === undefined) return { mask: await pictureOf(mask) };
  throw new DreamError("usage", {
    operation: "edit a picture",
    expected: "a box or a mask",
    got: box === undefined ? "neither" : "both",
  });
}

function requireWhole(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new DreamError("value", {
    operation: `read ${what}`,
    expected: `a whole number from ${least} to ${most}`,
    got: String(value),
  });
}
