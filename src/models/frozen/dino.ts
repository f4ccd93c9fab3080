/**
 * @file DINOv2 (Oquab et al. 2023), frozen: patch features of pictures, which REPA aligns an encoder with (SPEC section 10). Folders as
 * Hugging Face's transformers writes its `Dinov2Model` and `Dinov2WithRegistersModel`.
 */
import { DreamError } from "../../errors.js";
import { LayerNorm, Module, parameter } from "../../nn/index.js";
import { cat, type Device, scope, type Tensor, upsampleBicubic } from "../../tensor/index.js";
import { DinoBlock } from "./dino-block.js";
import { type DinoConfig, dinoConfig } from "./dino-config.js";
import { type Resampling, resamplePositions } from "./dino-positions.js";
import { embedPatches } from "./patches.js";
import { type Colour, normaliseColours } from "./preprocessing.js";
import { type FrozenOptions, frozenModel, openPretrained, parseConfig, selectWeights } from "./pretrained.js";
import { type Renaming, renamed } from "./renaming.js";
import { throughBlocks } from "./through-blocks.js";

/** What DINOv2 makes of pictures, after the last norm. */
export interface DinoFeatures {
  /** [B, D] */
  readonly classToken: Tensor;
  /** [B, rows columns, D], rows first */
  readonly patches: Tensor;
}

/** A DINOv2 model, whose patch tokens REPA aligns with. */
export class DinoModel extends Module {
  /** D, of the features. */
  readonly width: number;
  /** Pixels along each edge of a patch. */
  readonly patchSize: number;
  readonly patchWeight: Tensor;
  readonly patchBias: Tensor;
  readonly classToken: Tensor;
  readonly positions: Tensor;
  /** None, or [1, R, D]. */
  readonly registers: Tensor[];
  readonly blocks: DinoBlock[];
  readonly norm: LayerNorm;
  readonly #resampling: Resampling;

  constructor(config: DinoConfig, device: Device = "cpu") {
    super();
    const { width, patchSize, gridSize, epsilon } = config;
    this.width = width;
    this.patchSize = patchSize;
    this.patchWeight = parameter([width, 3, patchSize, patchSize], device);
    this.patchBias = parameter([width], device);
    this.classToken = parameter([1, 1, width], device);
    this.positions = parameter([1, gridSize ** 2 + 1, width], device);
    this.registers = config.registers === 0 ? [] : [parameter([1, config.registers, width], device)];
    this.blocks = Array.from({ length: config.depth }, () => new DinoBlock(config, device));
    this.norm = new LayerNorm(width, epsilon, device);
    this.#resampling = config.resampling;
  }

  /**
   * A folder's model, frozen; float32 unless told otherwise.
   * @throws DreamError `io`, `format` or `state` where the folder does not hold one
   */
  static open(path: string, { device = "cpu", dtype = "float32" }: FrozenOptions = {}): DinoModel {
    const folder = openPretrained(path);
    const config = parseConfig(folder, dinoConfig);
    // What stood for hidden patches when the model was trained.
    const weights = selectWeights(folder.weights, (name) => (name === "embeddings.mask_token" ? null : name));
    const storedName = (name: string): string => renamed(name, renaming);
    return frozenModel((on) => new DinoModel(config, on), storedName, weights, { device, dtype });
  }

  /**
   * * Normed tokens, the class token first.
   * @param pixels [B, 3, H, W], normalised; of H and W as many whole patches as there are
   * @param resampling how positions come to their grid, as the folder's kind of model does it where it is not said
   */
  forward(pixels: Tensor, resampling: Resampling = this.#resampling): DinoFeatures {
    return scope(() => {
      const { tokens, grid } = embedPatches(pixels, this.patchWeight, this.patchBias);
      const [B, count, D] = tokens.shape as [number, number, number];
      const ofClass = this.positions.narrow(1, 0, 1);
      const ofPatches = this.positions.narrow(1, 1, this.positions.size(1) - 1);
      const start = [this.classToken.add(ofClass), ...this.registers].map((token) =>
        token.expand([B, -1, D]),
      );
      const placed = tokens.add(resamplePositions(ofPatches, grid, resampling));
      const x = cat([...start, placed], 1);
      const states = this.norm.forward(
        throughBlocks(this.blocks, x, (block, before) => block.forward(before)),
      );
      return { classToken: states.select(1, 0), patches: states.narrow(1, states.size(1) - count, count) };
    });
  }
}

const imageNetMean: Colour = [0.485, 0.456, 0.406];
const imageNetStd: Colour = [0.229, 0.224, 0.225];

const targetPatchSize = 14;

/**
 * REPA's targets: pictures of 256 pixels, normalised first and then made smaller to 16 x 16 patches, without a filter; positions with
 * one, because REPA's own code brings them to that grid with timm (transformers would not filter them).
 * @param model with patches of 14 pixels @param pixels float32 [B, 3, H, W] in 0..1
 * @param across patches along each edge, 16 for pictures of 256 pixels @returns [B, across², D]
 */
export function dinoTargets(model: DinoModel, pixels: Tensor, across: number): Tensor {
  if (model.patchSize !== targetPatchSize)
    throw new DreamError("shape", {
      operation: "make REPA's targets",
      expected: `a DINOv2 with patches of ${targetPatchSize} pixels`,
      got: String(model.patchSize),
    });
  return scope(() => {
    const normalised = normaliseColours(pixels, { mean: imageNetMean, std: imageNetStd });
    const side = across * targetPatchSize;
    const smaller = upsampleBicubic(normalised, [side, side], false);
    return model.forward(smaller, "antialiased").patches;
  });
}

const renaming: Renaming = [
  [/^patchWeight$/, "embeddings.patch_embeddings.projection.weight"],
  [/^patchBias$/, "embeddings.patch_embeddings.projection.bias"],
  [/^classToken$/, "embeddings.cls_token"],
  [/^positions$/, "embeddings.position_embeddings"],
  [/^registers\.0$/, "embeddings.register_tokens"],
  [/^norm\./, "layernorm."],
  [/^blocks\./, "encoder.layer."],
  [/\.attention\.q\./, ".attention.attention.query."],
  [/\.attention\.k\./, ".attention.attention.key."],
  [/\.attention\.v\./, ".attention.attention.value."],
  [/\.attention\.projection\./, ".attention.output.dense."],
  [/\.scale(\d)$/, ".layer_scale$1.lambda1"],
  [/\.mlp\.input\./, ".mlp.weights_in."],
  [/\.mlp\.output\./, ".mlp.weights_out."],
];
