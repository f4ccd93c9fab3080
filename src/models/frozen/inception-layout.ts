/**
 * @file The layers of the Inception network of 2015 that FID and IS are computed with, in torch-fidelity's names. It differs from
 * the one in torchvision: average pools do not count their padding, and the last block pools by the maximum.
 */

/** One layer, or several in parallel whose outputs are put side by side. */
export type Step =
  | ConvolutionStep
  | { readonly kind: "average-pool" }
  | { readonly kind: "max-pool"; readonly stride: 1 | 2 }
  | { readonly kind: "branches"; readonly branches: readonly (readonly Step[])[] };

/** A convolution without bias, BatchNorm and ReLU. */
export interface ConvolutionStep {
  readonly kind: "convolution";
  readonly name: string;
  /** Channels that come out. */
  readonly channels: number;
  readonly kernel: readonly [down: number, across: number];
  readonly stride: 1 | 2;
  readonly padding: readonly [down: number, across: number];
}

/** Of the square kernel, stride 1, the size kept: the usual one. */
function convolution(name: string, channels: number, kernel: number): ConvolutionStep {
  return oblong(name, channels, kernel, kernel);
}

function oblong(name: string, channels: number, down: number, across: number): ConvolutionStep {
  const padding = [(down - 1) / 2, (across - 1) / 2] as const;
  return { kind: "convolution", name, channels, kernel: [down, across], stride: 1, padding };
}

/** The borders are lost. */
function unpadded(name: string, channels: number, kernel: number, stride: 1 | 2 = 1): ConvolutionStep {
  return { ...convolution(name, channels, kernel), stride, padding: [0, 0] };
}

const average: Step = { kind: "average-pool" };
const maximum: Step = { kind: "max-pool", stride: 1 };
const halve: Step = { kind: "max-pool", stride: 2 };

function branches(...all: readonly (readonly Step[])[]): Step {
  return { kind: "branches", branches: all };
}

function blockA(block: string, pooled: number): Step {
  return branches(
    [convolution(`${block}.branch1x1`, 64, 1)],
    [convolution(`${block}.branch5x5_1`, 48, 1), convolution(`${block}.branch5x5_2`, 64, 5)],
    [
      convolution(`${block}.branch3x3dbl_1`, 64, 1),
      convolution(`${block}.branch3x3dbl_2`, 96, 3),
      convolution(`${block}.branch3x3dbl_3`, 96, 3),
    ],
    [average, convolution(`${block}.branch_pool`, pooled, 1)],
  );
}

function blockB(block: string): Step {
  return branches(
    [unpadded(`${block}.branch3x3`, 384, 3, 2)],
    [
      convolution(`${block}.branch3x3dbl_1`, 64, 1),
      convolution(`${block}.branch3x3dbl_2`, 96, 3),
      unpadded(`${block}.branch3x3dbl_3`, 96, 3, 2),
    ],
    [halve],
  );
}

function blockC(block: string, inner: number): Step {
  return branches(
    [convolution(`${block}.branch1x1`, 192, 1)],
    [
      convolution(`${block}.branch7x7_1`, inner, 1),
      oblong(`${block}.branch7x7_2`, inner, 1, 7),
      oblong(`${block}.branch7x7_3`, 192, 7, 1),
    ],
    [
      convolution(`${block}.branch7x7dbl_1`, inner, 1),
      oblong(`${block}.branch7x7dbl_2`, inner, 7, 1),
      oblong(`${block}.branch7x7dbl_3`, inner, 1, 7),
      oblong(`${block}.branch7x7dbl_4`, inner, 7, 1),
      oblong(`${block}.branch7x7dbl_5`, 192, 1, 7),
    ],
    [average, convolution(`${block}.branch_pool`, 192, 1)],
  );
}

function blockD(block: string): Step {
  return branches(
    [convolution(`${block}.branch3x3_1`, 192, 1), unpadded(`${block}.branch3x3_2`, 320, 3, 2)],
    [
      convolution(`${block}.branch7x7x3_1`, 192, 1),
      oblong(`${block}.branch7x7x3_2`, 192, 1, 7),
      oblong(`${block}.branch7x7x3_3`, 192, 7, 1),
      unpadded(`${block}.branch7x7x3_4`, 192, 3, 2),
    ],
    [halve],
  );
}

function blockE(block: string, pool: Step): Step {
  return branches(
    [convolution(`${block}.branch1x1`, 320, 1)],
    [
      convolution(`${block}.branch3x3_1`, 384, 1),
      branches([oblong(`${block}.branch3x3_2a`, 384, 1, 3)], [oblong(`${block}.branch3x3_2b`, 384, 3, 1)]),
    ],
    [
      convolution(`${block}.branch3x3dbl_1`, 448, 1),
      convolution(`${block}.branch3x3dbl_2`, 384, 3),
      branches(
        [oblong(`${block}.branch3x3dbl_3a`, 384, 1, 3)],
        [oblong(`${block}.branch3x3dbl_3b`, 384, 3, 1)],
      ),
    ],
    [pool, convolution(`${block}.branch_pool`, 192, 1)],
  );
}

/** From pixels [B, 3, 299, 299] to [B, 2048, 8, 8]. */
export const inceptionLayout: readonly Step[] = [
  unpadded("Conv2d_1a_3x3", 32, 3, 2), // [B, 32, 149, 149]
  unpadded("Conv2d_2a_3x3", 32, 3),
  convolution("Conv2d_2b_3x3", 64, 3),
  halve, // [B, 64, 73, 73]
  convolution("Conv2d_3b_1x1", 80, 1),
  unpadded("Conv2d_4a_3x3", 192, 3),
  halve, // [B, 192, 35, 35]
  blockA("Mixed_5b", 32),
  blockA("Mixed_5c", 64),
  blockA("Mixed_5d", 64), // [B, 288, 35, 35]
  blockB("Mixed_6a"), // [B, 768, 17, 17]
  blockC("Mixed_6b", 128),
  blockC("Mixed_6c", 160),
  blockC("Mixed_6d", 160),
  blockC("Mixed_6e", 192),
  blockD("Mixed_7a"), // [B, 1280, 8, 8]
  blockE("Mixed_7b", average), // [B, 2048, 8, 8]
  blockE("Mixed_7c", maximum),
];
