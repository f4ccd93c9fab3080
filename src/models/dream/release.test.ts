import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tinyConfig } from "../../../test/tiny.js";
import { openSafetensors } from "../../formats/safetensors.js";
import { type DreamConfig, paperConfig, type SizeName } from "./config.js";
import { DreamModel } from "./dream.js";
import { pytorchName, pytorchState } from "./pytorch-names.js";
import { inPytorchOrder } from "./pytorch-order.js";
import { configOfRelease, type ReleaseShapes } from "./release-config.js";
import { configFromFlags, type ReleaseSettings, settingsOfConfig } from "./release-settings.js";

const golden = join(import.meta.dirname, "../../../test/golden");
const recorded = JSON.parse(readFileSync(join(golden, "t1_golden.json"), "utf8"));

const shapesOf = (config: DreamConfig): ReleaseShapes =>
  new Map(pytorchState(new DreamModel(config, "meta")).map(([name, { shape }]) => [name, shape]));

describe("the release's order", () => {
  const model = new DreamModel(configFromFlags(recorded.config), "meta");

  it("of parameters is the recorded one", () => {
    const names = model.parameters().map(([path]) => pytorchName(path));
    expect(inPytorchOrder(names, (name) => name)).toEqual(recorded.parameter_order);
  });

  it("of a whole state is that of the recorded state dict", () => {
    const names = pytorchState(model).map(([name]) => name);
    expect(inPytorchOrder(names, (name) => name)).toEqual(Object.keys(recorded.weights));
  });

  it("holds for eleven blocks and more, and puts a matrix before and a module after", () => {
    const names = ["transformer.resblocks.10.ln_1.bias", "transformer.resblocks.9.ln_2.bias"];
    expect(inPytorchOrder(names, (name) => name)).toEqual([...names].reverse());
    const mixed = [
      "image_projection.0.weight",
      "logit_scale",
      "text_projection",
      "words",
      "class_emb.weight",
    ];
    expect(inPytorchOrder(mixed, (name) => name)).toEqual([
      "text_projection",
      "logit_scale",
      "class_emb.weight",
      "image_projection.0.weight",
      "words",
    ]);
  });
});

describe("the configuration of a checkpoint", () => {
  it("is the recorded one, from the recorded settings and shapes", () => {
    const { tensors } = openSafetensors(join(golden, "t1_weights.safetensors"));
    const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
    expect(configOfRelease("t1", recorded.config, shapes)).toEqual(configFromFlags(recorded.config));
  });

  const variants: [string, DreamConfig][] = [
    ["tiny", tinyConfig],
    ...(["base", "large", "huge", "giant"] as SizeName[]).map((size): [string, DreamConfig] => [
      size,
      paperConfig(size),
    ]),
    [
      "with alignment",
      { ...tinyConfig, alignment: { depth: 1, hiddenWidth: 48, targetWidth: 12, weight: 0.5 } },
    ],
    [
      "of FLUID",
      {
        ...tinyConfig,
        joint: { ...tinyConfig.joint, width: 32, image: { kind: "identity" }, depth: 1, pool: "buffer" },
        contrastive: { kind: "all", minimumVisible: 0, scaling: "none" },
        lossWeights: { generative: 1, contrastive: 0 },
      },
    ],
    [
      "with other projections",
      {
        ...tinyConfig,
        joint: {
          ...tinyConfig.joint,
          image: { kind: "mlp", hiddenWidth: 12 },
          text: { kind: "batch-norm", hiddenWidth: 12 },
        },
      },
    ],
    ["with a matrix", { ...tinyConfig, joint: { ...tinyConfig.joint, image: { kind: "post-linear" } } }],
  ];
  it.each(variants)("comes back from what we would write: %s", (_, config) => {
    expect(configOfRelease("x.pth", settingsOfConfig(config), shapesOf(config))).toEqual(config);
  });

  it("takes its sizes from the tensors where settings say otherwise, and heads from the model's name", () => {
    const config = paperConfig("large");
    const settings: ReleaseSettings = {
      // As the release's script for the size sets them, some wrong on purpose.
      model: "dream_large_txt_conditional",
      img_size: 512,
      vae_stride: 8,
      vae_embed_dim: 4,
      patch_size: 2,
      buffer_size: 1,
      diffloss_d: 99,
      diffusion_batch_mul: 4,
      vl_projection: "post_mlp_stablerep",
      embed_dim: null,
      attn_dropout: 0.1,
      proj_dropout: 0.1,
      filter_clip_loss: true,
      scale_loss_by_mask: true,
      min_ratio_for_clip_loss: 0.25,
      min_masked_ratio_for_mar_loss: 0.5,
      weight_mar_loss: 1,
      weight_clip_loss: 0.005,
    };
    expect(configOfRelease("x.pth", settings, shapesOf(config))).toEqual(config);
    expect(() =>
      configOfRelease("x.pth", { ...settings, model: "dream_base_txt_conditional" }, shapesOf(config)),
    ).toThrow(/expected tensors 768 wide for dream_base_txt_conditional, got 1024/);
    expect(() => configOfRelease("x.pth", { ...settings, patch_size: 4 }, shapesOf(config))).toThrow(
      /expected 4 channels in patches of 4, on a square, got 256 tokens of 16 numbers/,
    );
  });

  it("says all that only args could tell, and which tensors a stranger's file lacks", () => {
    expect(() => configOfRelease("x.pth", {}, shapesOf(tinyConfig))).toThrow(
      /x\.pth: expected settings that shapes do not show: model, or encoder_num_heads and decoder_num_heads; vl_projection; vae_embed_dim; patch_size, got none/,
    );
    expect(() => configOfRelease("vit.pth", {}, new Map([["cls_token", [1, 1, 768]]]))).toThrow(
      /vit\.pth: expected a DREAM of the release, got no text_projection, diffusion_pos_embed_learned|no diffusion_pos_embed_learned/,
    );
  });

  it("that the release could not have is not written as its settings", () => {
    const words = {
      ...tinyConfig,
      captions: { kind: "words", length: 6, width: 24, vocabulary: 9 },
    } as const;
    expect(() => settingsOfConfig(words)).toThrow(/got captions as words, noise prediction/);
  });
});
