/** @file An image autoencoder's two sides (diffusers' `Encoder` and `Decoder`): levels of residual blocks, each of half the resolution. */
import { Conv2d, GroupNorm, Module } from "../../nn/index.js";
import type { Device, Tensor } from "../../tensor/index.js";
import { type Layer, through } from "./through.js";
import type { VaeConfig } from "./vae-config.js";
import { Downsample, ResnetBlock, SpatialAttention, silu, Upsample } from "./vae-layers.js";

const epsilon = 1e-6;

/** Residual blocks at one resolution, and the way down to the next unless it is the last. */
class DownLevel extends Module {
  readonly resnets: ResnetBlock[];
  readonly downsamplers: Downsample[];

  constructor(channels: LevelChannels, depth: number, { groups, device }: Making) {
    super();
    this.resnets = resnetsOf(channels, depth, { groups, device });
    this.downsamplers = channels.last ? [] : [new Downsample(channels.output, device)];
  }

  get layers(): Layer[] {
    return [...this.resnets, ...this.downsamplers];
  }
}

/** The same on the way up. */
class UpLevel extends Module {
  readonly resnets: ResnetBlock[];
  readonly upsamplers: Upsample[];

  constructor(channels: LevelChannels, depth: number, { groups, device }: Making) {
    super();
    this.resnets = resnetsOf(channels, depth, { groups, device });
    this.upsamplers = channels.last ? [] : [new Upsample(channels.output, device)];
  }

  get layers(): Layer[] {
    return [...this.resnets, ...this.upsamplers];
  }
}

interface LevelChannels {
  readonly input: number;
  readonly output: number;
  readonly last: boolean;
}

interface Making {
  readonly groups: number;
  readonly device: Device;
}

function resnetsOf({ input, output }: LevelChannels, depth: number, { groups, device }: Making) {
  return Array.from(
    { length: depth },
    (_, i) => new ResnetBlock(i === 0 ? input : output, output, groups, device),
  );
}

/** What each level takes and gives, from the outermost channel counts to the innermost or the other way round. */
function levelsOf(channels: readonly number[]): LevelChannels[] {
  return channels.map((output, i) => ({
    input: channels[Math.max(0, i - 1)]!,
    output,
    last: i === channels.length - 1,
  }));
}

/** Two residual blocks at the lowest resolution, with attention between them. */
class MidBlock extends Module {
  readonly resnets: readonly [ResnetBlock, ResnetBlock];
  readonly attentions: SpatialAttention[];

  constructor(channels: number, attention: boolean, { groups, device }: Making) {
    super();
    const resnet = (): ResnetBlock => new ResnetBlock(channels, channels, groups, device);
    this.resnets = [resnet(), resnet()];
    this.attentions = attention ? [new SpatialAttention(channels, groups, device)] : [];
  }

  get layers(): Layer[] {
    return [this.resnets[0], ...this.attentions, this.resnets[1]];
  }
}

/** Pictures to moments. */
export class Encoder extends Module {
  readonly convIn: Conv2d;
  readonly downBlocks: DownLevel[];
  readonly midBlock: MidBlock;
  readonly convNormOut: GroupNorm;
  readonly convOut: Conv2d;

  constructor(config: VaeConfig, device: Device) {
    super();
    const channels = config.block_out_channels;
    const making = { groups: config.norm_num_groups, device };
    const inner = channels.at(-1)!;
    this.convIn = new Conv2d(config.in_channels, channels[0]!, { kernel: 3, padding: 1 }, device);
    this.downBlocks = levelsOf(channels).map(
      (level) => new DownLevel(level, config.layers_per_block, making),
    );
    this.midBlock = new MidBlock(inner, config.mid_block_add_attention, making);
    this.convNormOut = new GroupNorm(config.norm_num_groups, inner, epsilon, device);
    this.convOut = new Conv2d(inner, 2 * config.latent_channels, { kernel: 3, padding: 1 }, device);
  }

  forward(pixels: Tensor): Tensor {
    const levels = [...this.downBlocks, this.midBlock].flatMap(({ layers }) => layers);
    return through(pixels, [this.convIn, ...levels, this.convNormOut, silu, this.convOut]);
  }
}

/** Latents to pictures. */
export class Decoder extends Module {
  readonly convIn: Conv2d;
  readonly midBlock: MidBlock;
  readonly upBlocks: UpLevel[];
  readonly convNormOut: GroupNorm;
  readonly convOut: Conv2d;

  constructor(config: VaeConfig, device: Device) {
    super();
    const channels = config.block_out_channels.toReversed();
    const making = { groups: config.norm_num_groups, device };
    const outer = channels.at(-1)!;
    this.convIn = new Conv2d(config.latent_channels, channels[0]!, { kernel: 3, padding: 1 }, device);
    this.midBlock = new MidBlock(channels[0]!, config.mid_block_add_attention, making);
    this.upBlocks = levelsOf(channels).map(
      (level) => new UpLevel(level, config.layers_per_block + 1, making),
    );
    this.convNormOut = new GroupNorm(config.norm_num_groups, outer, epsilon, device);
    this.convOut = new Conv2d(outer, config.out_channels, { kernel: 3, padding: 1 }, device);
  }

  forward(latents: Tensor): Tensor {
    const levels = [this.midBlock, ...this.upBlocks].flatMap(({ layers }) => layers);
    return through(latents, [this.convIn, ...levels, this.convNormOut, silu, this.convOut]);
  }
}
