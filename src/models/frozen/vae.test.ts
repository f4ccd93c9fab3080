import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { relativeError } from "../../../test/parity.js";
import { stateFile } from "../../nn/index.js";
import { liveTensorCount, randn, type Tensor } from "../../tensor/index.js";
import { AutoencoderKl, meanOf, sampleMoments } from "./vae.js";

const fixtures = "test/fixtures/vae";
const tolerance = 1e-5;

describe("the image autoencoder computes what diffusers computes", () => {
  it.each(["usual", "shifted", "plain", "early"])("%s", (name) => {
    const model = AutoencoderKl.open(join(fixtures, name));
    const file = stateFile(join(fixtures, name, "expected.safetensors"));
    const check = (result: Tensor, quantity: string): void =>
      expect(relativeError(result, file.read(quantity)), quantity).toBeLessThan(tolerance);
    const moments = model.moments(file.read("pixels"));
    check(moments, "moments");
    check(meanOf(moments), "mean");
    check(sampleMoments(moments, file.read("noise")), "sample");
    check(model.decode(file.read("latents")), "decoded");
  });
});

describe("the image autoencoder", () => {
  it("tells its scale and its geometry", () => {
    const { scalingFactor, shift, latentChannels, stride } = AutoencoderKl.open(join(fixtures, "shifted"));
    expect({ scalingFactor, shift, latentChannels, stride }).toEqual({
      scalingFactor: 0.3611,
      shift: 0.1159,
      latentChannels: 8,
      stride: 2,
    });
    expect(AutoencoderKl.open(join(fixtures, "early")).stride).toBe(8);
  });

  it("holds no more tensors after it has run than its results", () => {
    const model = AutoencoderKl.open(join(fixtures, "usual"));
    const pixels = randn([1, 3, 16, 16]);
    const before = liveTensorCount();
    const moments = model.moments(pixels);
    const picture = model.decode(meanOf(moments));
    expect(picture.shape).toEqual([1, 3, 16, 16]);
    expect(liveTensorCount()).toBeLessThanOrEqual(before + 3);
  });

  it("runs in bfloat16 where asked", () => {
    const folder = join(fixtures, "usual");
    const model = AutoencoderKl.open(folder, { dtype: "bfloat16" });
    const file = stateFile(join(folder, "expected.safetensors"));
    const moments = model.moments(file.read("pixels").to({ dtype: "bfloat16" }));
    expect(moments.dtype).toBe("bfloat16");
    expect(relativeError(moments, file.read("moments"))).toBeLessThan(0.05);
  });

  it.each<[change: object, message: RegExp]>([
    [{ act_fn: "relu" }, /"silu"[\s\S]*at act_fn/],
    [{ down_block_types: ["AttnDownBlock2D"] }, /at down_block_types\[0\]/],
    [{ up_block_types: ["UpDecoderBlock2D"] }, /expected 3 of them[\s\S]*at up_block_types/],
    [{ norm_num_groups: 3 }, /multiple of norm_num_groups, 3[\s\S]*at block_out_channels\[0\]/],
    [{ latents_mean: [0, 0, 0, 0] }, /at latents_mean/],
    [{ _class_name: "AutoencoderTiny" }, /at _class_name/],
    [{ latent_channels: 5 }, /expected: .*conv_out\.weight \[10, 16, 3, 3\] but found \[8, 16, 3, 3\]/],
    [{ mid_block_add_attention: false }, /20 unexpected: decoder\.mid_block\.attentions/],
    [{ layers_per_block: 2 }, /missing: encoder\.down_blocks\.0\.resnets\.1\.norm1\.weight/],
  ])("is refused by name where it is of another kind: %j", (change, message) => {
    const folder = mkdtempSync(join(tmpdir(), "dream-vae-"));
    cpSync(join(fixtures, "usual"), folder, { recursive: true });
    const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as object;
    writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, ...change }));
    expect(() => AutoencoderKl.open(folder)).toThrow(message);
  });
});
