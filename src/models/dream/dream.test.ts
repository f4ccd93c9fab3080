import { describe, expect, it } from "vitest";
import { tinyConfig, tinyGroup, tinyModel } from "../../../test/tiny.js";
import {
  backward,
  cat,
  Generator,
  gradientOf,
  noGrad,
  randn,
  scope,
  setGradient,
  type Tensor,
  tensor,
} from "../../tensor/index.js";
import type { DreamConfig, ImageProjectionConfig } from "./config.js";
import type { DreamModel, MaskGroup } from "./dream.js";
import { TokenMask } from "./mask.js";
import { pytorchState } from "./pytorch-names.js";
import { patchify, unpatchify } from "./tokens.js";

function gradientsOf(
  model: DreamModel,
  groups: readonly MaskGroup[],
  random: Generator,
): Map<string, Tensor | null> {
  const losses = model.losses(
    groups,
    groups.map((group) => model.drawDiffusion(group, random)),
    random,
  );
  backward(losses.total);
  return new Map(model.parameters().map(([name, tensor]) => [name, gradientOf(tensor)]));
}

describe("patches", () => {
  it("come back as they were", () => {
    const { latents } = tinyGroup(2, 0, 3);
    expect(unpatchify(patchify(latents, 2), 2).toNumbers()).toEqual(latents.toNumbers());
  });
});

describe("the encoder", () => {
  it("sees nothing of what is hidden", () => {
    const model = tinyModel().setMode("eval");
    const { latents, mask } = tinyGroup(2, 9, 4);
    noGrad(() => {
      const tokens = patchify(latents, 2);
      const noise = tokens.add(mask.toTensor("cpu").unsqueeze(-1).mul(100));
      const [seen, disturbed] = [tokens, noise].map((x) => model.encoder.forward(x, mask).output.toNumbers());
      expect(disturbed).toEqual(seen);
    });
  });
});

describe("the text tower", () => {
  it("gives for captions cut at the longest what it gives for them whole, gradients too", () => {
    const { textTower } = tinyModel();
    const captions = [
      [38, 5, 6, 39, 0, 0, 0, 0],
      [38, 7, 39, 0, 0, 0, 0, 0],
      [38, 7, 8, 9, 10, 39, 0, 0],
    ];
    const ids = tensor(captions.flat(), [3, 8], { dtype: "int64" });
    const whole = (): Tensor => {
      let x = textTower.embed(ids);
      for (const block of textTower.blocks) x = textTower.through(block, x);
      const ends = ids
        .argmax(1)
        .reshape([3, 1, 1])
        .expand([3, 1, x.size(2)]);
      return textTower.projection.forward(textTower.norm.forward(x).gather(1, ends).squeeze(1));
    };
    const measured = (features: Tensor): number[][] => {
      backward(features.square().sum());
      const found = textTower.parameters().map(([, tensor]) => {
        const gradient = gradientOf(tensor)!.toNumbers();
        setGradient(tensor, null);
        return gradient;
      });
      return [features.detach().toNumbers(), ...found];
    };
    const [expected, cut] = [measured(whole()), measured(textTower.features(ids))];
    for (const [i, row] of expected.entries())
      for (const [j, value] of row.entries()) expect(cut[i]![j]).toBeCloseTo(value, 4);
  });
});

describe("the decoder", () => {
  it("gives for some tokens what it gives for them among all, gradients too", () => {
    const model = tinyModel().setMode("eval");
    const { latents, mask, captions } = tinyGroup(2, 9, 4);
    const decode = (wanted: TokenMask, rows: Tensor | null): { z: Tensor; gradients: number[][] } => {
      const encoded = model.encoder.forward(patchify(latents, 2), mask).output;
      const all = model.decoder.forward(encoded, mask, model.rememberCaptions(captions), wanted);
      const z = rows === null ? all.flatten(0, 1) : all.flatten(0, 1).indexSelect(0, rows);
      backward(z.square().sum());
      const gradients = model.parameters().map(([, tensor]) => {
        const gradient = gradientOf(tensor)?.toNumbers() ?? [];
        setGradient(tensor, null);
        return gradient;
      });
      return { z: z.detach(), gradients };
    };
    const whole = decode(TokenMask.all(mask.batch, mask.tokenCount), mask.rows("cpu"));
    const part = decode(mask, null);
    expect(part.z.shape).toEqual([2 * 9, model.config.decoder.width]);
    expect(part.z.sub(whole.z).abs().amax().item()).toBeLessThan(1e-5);
    for (const [i, gradient] of part.gradients.entries()) {
      const scale = Math.max(1, ...whole.gradients[i]!.map(Math.abs));
      for (const [j, value] of gradient.entries())
        expect(Math.abs(value - whole.gradients[i]![j]!) / scale).toBeLessThan(1e-5);
    }
  });
});

describe("the losses of a step", () => {
  it("gate the generative loss below half masked, inclusively, and filter the contrastive one below a quarter visible", () => {
    const model = tinyModel();
    const shares = (masked: number): [number, number] => {
      const group = tinyGroup(4, masked, 5);
      const { generative, contrastive } = model.losses(
        [group],
        [model.drawDiffusion(group, Generator.fromSeed(1))],
      );
      return [generative.item(), contrastive.item()];
    };
    expect(shares(7)[0]).toBe(0);
    expect(shares(8)[0]).toBeGreaterThan(0);
    expect(shares(12)[1]).toBeGreaterThan(0);
    expect(shares(13)[1]).toBe(0);
  });

  it("are finite with nothing and with everything hidden", () => {
    const model = tinyModel();
    for (const masked of [0, 16]) {
      const group = tinyGroup(2, masked, 6);
      const { total } = model.losses([group], [model.drawDiffusion(group, Generator.fromSeed(1))]);
      expect(Number.isFinite(total.item())).toBe(true);
    }
  });

  it("reach every parameter, and the decoder not at all where the group is gated", () => {
    const open = gradientsOf(tinyModel(), [tinyGroup(4, 10, 7)], Generator.fromSeed(1));
    for (const [name, gradient] of open) expect(gradient, name).not.toBeNull();
    expect(
      open
        .get("encoder.fakeLatent")!
        .toNumbers()
        .every((x) => x === 0),
    ).toBe(true);
    const gated = gradientsOf(tinyModel(), [tinyGroup(4, 4, 7)], Generator.fromSeed(1));
    for (const [name, gradient] of gated)
      expect(gradient === null, name).toBe(/^(decoder|textAligner|diffusionHead)\./.test(name));
  });

  it("of two groups are the mean of the generative and one joint contrastive loss", () => {
    const model = tinyModel().setMode("eval");
    const groups = [tinyGroup(3, 9, 8), tinyGroup(3, 4, 9)];
    const draws = groups.map((group) => model.drawDiffusion(group, Generator.fromSeed(2)));
    scope(() =>
      noGrad(() => {
        const together = model.losses(groups, draws);
        const alone = model.losses([groups[0]!], [draws[0]!]);
        expect(together.generative.item()).toBeCloseTo(alone.generative.item() / 2, 6);
        expect(together.generativeShare).toBe(0.5);
        const separately = groups.map((group, i) => model.losses([group], [draws[i]!]).contrastive.item());
        // Six pictures are harder to tell apart than three.
        expect(together.contrastive.item()).toBeGreaterThan(Math.max(...separately));
      }),
    );
  });

  it("take BatchNorm's statistics over all groups together", () => {
    const groups = [tinyGroup(4, 4, 10), tinyGroup(4, 4, 11)];
    const whole: MaskGroup = {
      latents: joined(groups, "latents"),
      captionIds: joined(groups, "captionIds"),
      captions: joined(groups, "captions"),
      mask: TokenMask.fromTensor(
        cat(
          groups.map(({ mask }) => mask.toTensor("cpu")),
          0,
        ),
      ),
    };
    const statistics = (given: readonly MaskGroup[]): number[] => {
      const model = tinyModel();
      model.losses(
        given,
        given.map((group) => model.drawDiffusion(group, Generator.fromSeed(1))),
      );
      return pytorchState(model)
        .find(([name]) => name.endsWith("bn1.running_mean"))![1]
        .toNumbers();
    };
    const [apart, together] = [statistics(groups), statistics([whole])];
    for (const [i, value] of together.entries()) expect(apart[i]).toBeCloseTo(value, 6);
  });
});

function joined(groups: readonly MaskGroup[], key: "latents" | "captionIds" | "captions"): Tensor {
  return cat(
    groups.map((group) => group[key]),
    0,
  );
}

describe("projections", () => {
  const kinds: readonly ImageProjectionConfig[] = [
    { kind: "identity" },
    { kind: "linear" },
    { kind: "post-linear" },
    { kind: "mlp", hiddenWidth: 24 },
    { kind: "post-mlp", hiddenWidth: 24 },
    { kind: "batch-norm", hiddenWidth: 24 },
    { kind: "post-batch-norm", hiddenWidth: 24 },
  ];

  it.each(kinds)("of kind $kind train, with groups of different ratios", (image) => {
    const width = image.kind === "identity" ? tinyConfig.encoder.width : tinyConfig.joint.width;
    const config: DreamConfig = { ...tinyConfig, joint: { ...tinyConfig.joint, image, width } };
    const model = tinyModel(config);
    const groups = [tinyGroup(3, 9, 12), tinyGroup(3, 2, 13)];
    const found = gradientsOf(model, groups, Generator.fromSeed(3));
    for (const [name, gradient] of found)
      if (name.startsWith("imageProjection")) expect(gradient, name).not.toBeNull();
    const { latents } = groups[0]!;
    const embedded = model.setMode("eval").embedImages(patchify(latents, 2), TokenMask.none(3, 16));
    expect(embedded.shape).toEqual([3, width]);
    for (const norm of embedded.linalgNorm(2, 1).toNumbers()) expect(norm).toBeCloseTo(1, 5);
  });

  it.each([{ kind: "mlp", hiddenWidth: 24 } as const, { kind: "batch-norm", hiddenWidth: 24 } as const])(
    "of text of kind $kind train",
    (text) => {
      const model = tinyModel({ ...tinyConfig, joint: { ...tinyConfig.joint, text } });
      const found = gradientsOf(model, [tinyGroup(4, 4, 14)], Generator.fromSeed(3));
      for (const [name, gradient] of found)
        if (name.startsWith("textTower.projection")) expect(gradient, name).not.toBeNull();
    },
  );
});

describe("the velocity head", () => {
  it("learns and reaches every parameter of the head", () => {
    const model = tinyModel({ ...tinyConfig, diffusion: { kind: "velocity", steps: 4 } });
    const found = gradientsOf(model, [tinyGroup(4, 12, 15)], Generator.fromSeed(4));
    for (const [name, gradient] of found)
      if (name.startsWith("diffusionHead")) expect(gradient, name).not.toBeNull();
  });
});

describe("alignment to frozen features", () => {
  const alignment = { depth: 1, hiddenWidth: 24, targetWidth: 12, weight: 0.5 };
  const model = tinyModel({ ...tinyConfig, alignment });

  it("is 1 - cosine over the visible tokens, 0 where none is, and pulls on the blocks before", () => {
    const targets = randn([3, 16, 12], { generator: Generator.fromSeed(30) });
    const lossOf = (masked: number): number => {
      const group = { ...tinyGroup(3, masked, 31), alignmentTargets: targets };
      const losses = model.losses([group], [model.drawDiffusion(group, Generator.fromSeed(1))]);
      if (masked === 2) {
        backward(losses.total);
        expect(gradientOf(model.alignmentProjector!.layers[0]!.weight)).not.toBeNull();
        expect(losses.total.item()).toBeCloseTo(
          0.005 * losses.contrastive.item() + 0.5 * losses.alignment.item(),
          5,
        );
      }
      return losses.alignment.item();
    };
    expect(lossOf(16)).toBe(0);
    expect(lossOf(2)).toBeGreaterThan(0.5);
    expect(lossOf(2)).toBeLessThan(1.5);
  });

  it("asks for the features, and for a block that there is", () => {
    const group = tinyGroup(3, 2, 32);
    expect(() => model.losses([group], [model.drawDiffusion(group, Generator.fromSeed(1))])).toThrow(
      /frozen features/,
    );
    expect(() => tinyModel({ ...tinyConfig, alignment: { ...alignment, depth: 3 } })).toThrow(
      /a block from 1 to 2/,
    );
  });

  it("has the release's names and PyTorch's initialisation", () => {
    const names = pytorchState(model).map(([name]) => name);
    for (const name of ["repa_projector.0.weight", "repa_projector.2.bias", "repa_projector.4.weight"])
      expect(names).toContain(name);
    const largest = model.alignmentProjector!.layers[0]!.bias.detach().abs().amax().item();
    expect(largest).toBeGreaterThan(0);
    expect(largest).toBeLessThanOrEqual(32 ** -0.5);
  });
});
