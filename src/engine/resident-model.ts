/** @file A model that lives in the engine thread: what it draws and embeds there. */
import { join } from "node:path";
import { centreCrop } from "../data/centre-crop.js";
import { deviceFor } from "../device.js";
import { type Begun, checkCaption, DrawingPipeline, type DrawOptions, type Edit } from "../drawing.js";
import { settled } from "../drawing-settings.js";
import { type Embeddings, embedCaptions, embedPictures } from "../embedding.js";
import { DreamError } from "../errors.js";
import { pictureSide } from "../features/picture-codec.js";
import { fingerprintFiles } from "../formats/fingerprint.js";
import { decodeMask, decodePicture, type Picture } from "../formats/images.js";
import { boxRegion, composite, lightRegion, type Region, tokensOf } from "../generate/region.js";
import type { OnDownload } from "../hub/resolve-model.js";
import { tokenCount } from "../models/dream/config.js";
import { parameterCounts } from "../plan/communication.js";
import { hubModels } from "../recipe/hub-models.js";
import { readModelDescription } from "../recipe/model-description.js";
import { disposeModel, loadModel, type TrainedModel, weightsFile } from "../recipe/model-folder.js";
import { isRun, recipeOfRun } from "../recipe/saved-run.js";
import type { QueuedDrawing } from "./drawing-queue.js";
import type {
  DrawingProgress,
  DrawOrder,
  LoadOrder,
  ModelInfo,
  PictureInput,
  RegionInput,
} from "./protocol.js";

export class ResidentModel {
  readonly #trained: TrainedModel;
  readonly #recipe: string;
  readonly #identity: string;
  readonly #examples: readonly string[];
  readonly pipeline: DrawingPipeline;

  private constructor(
    trained: TrainedModel,
    {
      recipe,
      identity,
      examples,
      precision,
    }: Pick<LoadOrder, "precision"> & {
      readonly recipe: string;
      readonly identity: string;
      readonly examples: readonly string[];
    },
  ) {
    this.#trained = trained;
    this.#recipe = recipe;
    this.#identity = identity;
    this.#examples = examples;
    this.pipeline = new DrawingPipeline(trained, { precision });
  }

  /** @throws DreamError where the model cannot be found or opened, or the device is not there */
  static async load(
    { model, device, precision, hub }: LoadOrder,
    onDownload: OnDownload,
  ): Promise<ResidentModel> {
    const locate = hubModels(hub, () => onDownload);
    const folder = await locate(model, "dream");
    const trained = await loadModel(folder, locate, deviceFor(device, null));
    const { recipe } = readModelDescription(folder).origin;
    const identity = fingerprintFiles([join(folder, weightsFile)]);
    const examples = isRun(folder) ? (recipeOfRun(folder).samples?.captions ?? []) : [];
    return new ResidentModel(trained, { recipe, identity, examples, precision });
  }

  describe(): ModelInfo {
    const { captions, drawing, model: network } = this.#trained;
    const { classes, joint, lossWeights } = network.config;
    const { most, unit } = captions.length("");
    return {
      identity: this.#identity,
      recipe: this.#recipe,
      sizePixels: pictureSide(this.#trained),
      tokens: tokenCount(network.config),
      embeddingWidth: lossWeights.contrastive > 0 ? joint.width : null,
      logitScale: Math.exp(network.logitScale.item()),
      classes: classes.kind === "labels" ? classes.count : null,
      longestCaption: { most, unit },
      examples: this.#examples,
      reads: captions.description,
      parameters: parameterCounts(network.config).total,
      drawing,
    };
  }

  /** A request as it waits for its turn. @param tell what happens to it @throws DreamError where a picture cannot be read, or a setting would be ignored */
  async prepare(
    id: number,
    order: DrawOrder,
    tell: {
      readonly progress: (progress: DrawingProgress) => void;
      readonly done: () => void;
      readonly failed: (error: unknown) => void;
    },
  ): Promise<QueuedDrawing> {
    const { seeds } = order;
    const { choice, sampling, negative } = settled(order.settings, this.#trained.drawing);
    const edit = order.edit === null ? null : await this.#edit(order.edit);
    const options: DrawOptions = {
      choice,
      seeds,
      sampling,
      ...(order.label === null ? {} : { classes: seeds.map(() => order.label!) }),
      ...(negative === undefined ? {} : { negative }),
      ...(edit === null ? {} : { edit: edit.drawn }),
    };
    return {
      id,
      pipeline: this.pipeline,
      width: seeds.length * (choice.kind === "plain" ? 1 : choice.candidates),
      begin: () =>
        this.#begin(
          seeds.map(() => order.prompt),
          options,
          order.previews,
          tell.progress,
        ),
      finish: (begun) => {
        for (const [index, drawing] of begun.drawings().entries()) {
          const { candidateScores, chosen } = drawing;
          const picture = edit?.finished(drawing.picture) ?? drawing.picture;
          tell.progress({ type: "picture", index, seed: seeds[index]!, picture, candidateScores, chosen });
        }
        tell.done();
      },
      fail: tell.failed,
    };
  }

  #begin(
    captions: readonly string[],
    options: DrawOptions,
    previews: number,
    tell: (progress: DrawingProgress) => void,
  ): Begun {
    let done = 0;
    let isShown = false;
    const choice = options.choice.kind;
    const begun: Begun = this.pipeline.begin(captions, {
      ...options,
      onStep: (_, __, halfDrawn) => {
        done++;
        const all = begun.steps;
        const shown = (at: number): number => Math.floor((at * (previews + 1)) / all);
        isShown = done < all && shown(done) > shown(done - 1);
        tell({ type: "step", done, all, previews: isShown ? halfDrawn() : null });
      },
      onChoice: ({ candidates, halfDrawn }) =>
        tell({
          type: "choice",
          done,
          all: begun.steps,
          candidates,
          // Where every step is a choice, those are shown that would be anyway.
          previews: (choice === "each-step" ? isShown : previews > 0) ? halfDrawn() : null,
        }),
    });
    return begun;
  }

  /** @throws DreamError `value` where the model was not trained to embed, `format` for a picture that is none */
  async embedPictures(pictures: readonly PictureInput[]): Promise<Embeddings> {
    this.#requireEmbeddings();
    const squares = await Promise.all(pictures.map((picture) => this.#square(picture, decodePicture)));
    return squares.length === 0 ? [] : embedPictures(this.#trained, squares);
  }

  /** @throws DreamError `value` where the model was not trained to embed, or a text is longer than it reads */
  embedTexts(texts: readonly string[]): Embeddings {
    this.#requireEmbeddings();
    for (const text of texts) checkCaption(this.#trained.captions, text);
    return texts.length === 0 ? [] : embedCaptions(this.#trained, texts);
  }

  /** Words or tokens of each text. */
  countWords(texts: readonly string[]): number[] {
    return texts.map((text) => this.#trained.captions.length(text).found);
  }

  dispose(): void {
    this.pipeline.dispose();
    disposeModel(this.#trained);
  }

  #requireEmbeddings(): void {
    if (this.#trained.model.config.lossWeights.contrastive > 0) return;
    throw new DreamError("value", {
      operation: "embed",
      expected: "a model that was trained with the contrastive loss",
      got: `one of recipe ${this.#recipe}, which was not`,
    });
  }

  async #square(
    picture: PictureInput,
    decode: (bytes: Uint8Array, source: string) => Promise<Picture>,
  ): Promise<Picture> {
    const decoded = "bytes" in picture ? await decode(picture.bytes, picture.name) : picture;
    return centreCrop(decoded, pictureSide(this.#trained));
  }

  async #edit({ picture, region, pasted }: NonNullable<DrawOrder["edit"]>): Promise<{
    readonly drawn: Edit;
    readonly finished: (picture: Picture) => Picture;
  }> {
    const { side: latentSide, patch } = this.#trained.model.config.latent;
    const original = await this.#square(picture, decodePicture);
    const marked = await this.#region(region);
    return {
      drawn: { picture: original, redrawn: tokensOf(marked, latentSide / patch) },
      finished: (drawn) =>
        pasted ? { ...drawn, data: composite(marked, original.data, drawn.data) } : drawn,
    };
  }

  async #region(region: RegionInput): Promise<Region> {
    if ("box" in region) return boxRegion(pictureSide(this.#trained), region.box);
    return lightRegion(await this.#square(region.mask, decodeMask));
  }
}
