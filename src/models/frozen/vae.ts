/**
 * @file The image autoencoder of latent diffusion, for inference: diffusers' `AutoencoderKL` from its folder. Pictures become
 * the mean and log variance of a Gaussian over latents; latents become pictures.
 */
import { Conv2d, Module, type StateSource } from "../../nn/index.js";
import { type Device, scope, type Tensor } from "../../tensor/index.js";
import { type FrozenOptions, frozenModel, openPretrained, parseConfig, selectWeights } from "./pretrained.js";
import { type VaeConfig, vaeSchema } from "./vae-config.js";
import { Decoder, Encoder } from "./vae-towers.js";

/** The autoencoder whose latents the paper draws. */
export class AutoencoderKl extends Module {
  /** Latents are multiplied by this, after {@link shift} is taken from them, before a model learns them. */
  readonly scalingFactor: number;
  readonly shift: number;
  /** C */
  readonly latentChannels: number;
  /** Pixels of a side for one place of a latent. */
  readonly stride: number;
  readonly encoder: Encoder;
  readonly quantConv: Conv2d | null;
  readonly postQuantConv: Conv2d | null;
  readonly decoder: Decoder;

  constructor(config: VaeConfig, device: Device = "cpu") {
    super();
    const C = config.latent_channels;
    this.scalingFactor = config.scaling_factor;
    this.shift = config.shift_factor ?? 0;
    this.latentChannels = C;
    this.stride = 2 ** (config.block_out_channels.length - 1);
    this.encoder = new Encoder(config, device);
    this.quantConv = config.use_quant_conv ? new Conv2d(2 * C, 2 * C, { kernel: 1 }, device) : null;
    this.postQuantConv = config.use_post_quant_conv ? new Conv2d(C, C, { kernel: 1 }, device) : null;
    this.decoder = new Decoder(config, device);
  }

  /**
   * Opens a folder with `config.json` and safetensors weights.
   * @param options float32 unless another type is asked for; null keeps what is stored
   * @throws DreamError `format` where the config asks for what is not supported, `state` where the weights do not fit it
   */
  static open(path: string, options: FrozenOptions = {}): AutoencoderKl {
    const folder = openPretrained(path);
    const config = parseConfig(folder, vaeSchema);
    return frozenModel(
      (device) => new AutoencoderKl(config, device),
      storedName,
      presentNames(folder.weights),
      { dtype: "float32", ...options },
    );
  }

  /**
   * What a picture's latents are drawn from: means, then log variances.
   * @param pixels [B, channels, H, W], -1..1, of the weights' type and device @returns [B, 2 C, H / stride, W / stride], unscaled
   */
  moments(pixels: Tensor): Tensor {
    return scope(() => {
      const encoded = this.encoder.forward(pixels);
      return this.quantConv?.forward(encoded) ?? encoded;
    });
  }

  /** @param latents [B, C, h, w], unscaled @returns pixels [B, channels, h stride, w stride], about -1..1 */
  decode(latents: Tensor): Tensor {
    return scope(() => this.decoder.forward(this.postQuantConv?.forward(latents) ?? latents));
  }
}

/** The most probable latents. @param moments [B, 2 C, h, w] @returns [B, C, h, w] */
export function meanOf(moments: Tensor): Tensor {
  return scope(() => moments.chunk(2, 1)[0]!.contiguous());
}

/** Latents drawn. @param moments [B, 2 C, h, w] @param noise standard normal [B, C, h, w] @returns [B, C, h, w] */
export function sampleMoments(moments: Tensor, noise: Tensor): Tensor {
  return scope(() => {
    const [mean, logVariance] = moments.chunk(2, 1) as [Tensor, Tensor];
    return logVariance.clamp(-30, 20).mul_(0.5).exp().mul_(noise).add_(mean);
  });
}

/** diffusers' name for a property path. */
function storedName(path: string): string {
  return path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(".to_out.", ".to_out.0.");
}

const earlyNames: ReadonlyMap<string, string> = new Map([
  ["query", "to_q"],
  ["key", "to_k"],
  ["value", "to_v"],
  ["proj_attn", "to_out.0"],
]);

/** Checkpoints up to diffusers 0.15 (`sd-vae-ft-ema`) name attention's weights otherwise, some as 1x1 convolutions. */
function presentNames(stored: StateSource): StateSource {
  const renamed = selectWeights(stored, (name) =>
    name.replace(
      /(\.attentions\.0\.)(query|key|value|proj_attn)\./,
      (_, path: string, early: string) => `${path}${earlyNames.get(early)}.`,
    ),
  );
  const squeezed = (name: string, shape: readonly number[]): readonly number[] =>
    /\.attentions\.0\.to_/.test(name) && shape.length === 4 && shape[2] === 1 && shape[3] === 1
      ? shape.slice(0, 2)
      : shape;
  return {
    name: renamed.name,
    shapes: new Map([...renamed.shapes].map(([name, shape]) => [name, squeezed(name, shape)])),
    read: (name) => {
      const value = renamed.read(name);
      return value.reshape(squeezed(name, value.shape));
    },
  };
}
