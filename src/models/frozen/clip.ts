/**
 * @file A CLIP model of another's (Radford et al. 2021), frozen: the external judge of pictures and texts. Folders as Hugging Face's
 * transformers writes its `CLIPModel`.
 */
import { LinearMap, Module, parameter } from "../../nn/index.js";
import { type Device, scope, type Tensor } from "../../tensor/index.js";
import { normalise } from "../dream/contrastive.js";
import { type ClipConfig, clipConfig } from "./clip-config.js";
import { ClipTextTower, ClipVisionTower } from "./clip-towers.js";
import { type FrozenOptions, frozenModel, openPretrained, parseConfig, selectWeights } from "./pretrained.js";
import { type Renaming, renamed } from "./renaming.js";

/** A CLIP model: pictures and captions as vectors of one space. */
export class ClipModel extends Module {
  /** P, of texts' and pictures' embeddings. */
  readonly embeddingWidth: number;
  /** The most tokens that a text may have. */
  readonly contextLength: number;
  /** S, of pictures. */
  readonly imageSize: number;
  readonly text: ClipTextTower;
  readonly vision: ClipVisionTower;
  readonly textProjection: LinearMap;
  readonly imageProjection: LinearMap;
  readonly logLogitScale: Tensor;

  constructor(config: ClipConfig, device: Device = "cpu") {
    super();
    this.embeddingWidth = config.embeddingWidth;
    this.contextLength = config.text.contextLength;
    this.imageSize = config.vision.imageSize;
    this.text = new ClipTextTower(config.text, device);
    this.vision = new ClipVisionTower(config.vision, device);
    this.textProjection = new LinearMap(config.text.width, config.embeddingWidth, device);
    this.imageProjection = new LinearMap(config.vision.width, config.embeddingWidth, device);
    this.logLogitScale = parameter([], device);
  }

  /**
   * A folder's model, frozen; float32 unless told otherwise.
   * @throws DreamError `io`, `format` or `state` where the folder does not hold one
   */
  static open(path: string, { device = "cpu", dtype = "float32" }: FrozenOptions = {}): ClipModel {
    const folder = openPretrained(path);
    const config = parseConfig(folder, clipConfig);
    // Old files store the numbers of the places, 0 1 2 ..., with the weights.
    const weights = selectWeights(folder.weights, (name) =>
      name.endsWith(".embeddings.position_ids") ? null : name,
    );
    const storedName = (name: string): string => renamed(name, renaming);
    return frozenModel((on) => new ClipModel(config, on), storedName, weights, { device, dtype });
  }

  /** What similarities are multiplied by to be logits. */
  get logitScale(): number {
    return Math.exp(this.logLogitScale.item());
  }

  /**
   * Texts before normalisation. What stands behind the end token does not matter, so there is no mask.
   * @param ids int64 [B, L] @returns [B, P]
   */
  textFeatures(ids: Tensor): Tensor {
    return scope(() => this.textProjection.forward(this.text.forward(ids)));
  }

  /** Texts at unit length. @param ids int64 [B, L] @returns [B, P] */
  embedTexts(ids: Tensor): Tensor {
    return scope(() => normalise(this.textFeatures(ids)));
  }

  /** Pictures before normalisation. @param pixels [B, 3, S, S], normalised as the folder's preprocessor says @returns [B, P] */
  imageFeatures(pixels: Tensor): Tensor {
    return scope(() => this.imageProjection.forward(this.vision.forward(pixels)));
  }

  /** Pictures at unit length. @param pixels [B, 3, S, S], normalised as the folder's preprocessor says @returns [B, P] */
  embedImages(pixels: Tensor): Tensor {
    return scope(() => normalise(this.imageFeatures(pixels)));
  }
}

const renaming: Renaming = [
  [/^text\.tokenEmbedding\./, "text_model.embeddings.token_embedding."],
  [/^text\.positions$/, "text_model.embeddings.position_embedding.weight"],
  [/^text\.norm\./, "text_model.final_layer_norm."],
  [/^text\./, "text_model."],
  [/^vision\.classEmbedding$/, "vision_model.embeddings.class_embedding"],
  [/^vision\.patchWeight$/, "vision_model.embeddings.patch_embedding.weight"],
  [/^vision\.positions$/, "vision_model.embeddings.position_embedding.weight"],
  [/^vision\.inputNorm\./, "vision_model.pre_layrnorm."],
  [/^vision\.norm\./, "vision_model.post_layernorm."],
  [/^vision\./, "vision_model."],
  [/\.blocks\./, ".encoder.layers."],
  [/\.norm(\d)\./, ".layer_norm$1."],
  [/\.attention\.([qkv])\./, ".self_attn.$1_proj."],
  [/\.attention\.projection\./, ".self_attn.out_proj."],
  [/\.(fc\d)\./, ".mlp.$1."],
  [/^textProjection\./, "text_projection."],
  [/^imageProjection\./, "visual_projection."],
  [/^logLogitScale$/, "logit_scale"],
];
