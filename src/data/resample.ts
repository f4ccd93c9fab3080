/**
 * @file Pillow's resampling, bit for bit: weights rounded to 22 bits after the point, a horizontal pass and then a vertical one,
 * each rounded to 8 bits (`ImagingResample` for 8 bits a channel). No library's resizing gives the same numbers, and the models
 * that we are compared with were trained on these. Only what the wanted window needs is computed.
 */
import type { Picture } from "../formats/images.js";
import { native } from "../tensor/native.js";

/** How wide a kernel is at its own scale, and its weights. */
interface Kernel {
  readonly support: number;
  readonly weight: (x: number) => number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

const kernels = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: (x) => cubic(Math.abs(x)) },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
} as const satisfies Record<string, Kernel>;

/** Keys' cubic with a = -0.5, its terms in Pillow's order. */
function cubic(x: number): number {
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

export type KernelName = keyof typeof kernels;

/** A picture whose bytes are a buffer of its own, so that it can be handed to another thread. */
export interface OwnPicture extends Picture {
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A rectangle of whole pixels. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** One step of resizing: to which size, and with which kernel. */
export interface Resize {
  readonly width: number;
  readonly height: number;
  readonly kernel: KernelName;
}

/**
 * Resizes a window of a picture, as if it had been cut out first.
 * @param from the window that is resized
 * @param steps sizes of the whole window, one resizing after another; none leaves the size as it is
 * @param wanted which part of the last size is given back
 */
export function resample(
  picture: Picture,
  from: Window,
  steps: readonly Resize[],
  wanted: Window,
): OwnPicture {
  // What each step needs of the one before it, from the last step back.
  const axes: { readonly across: Axis; readonly down: Axis }[] = [];
  let needed = wanted;
  for (let i = steps.length - 1; i >= 0; i--) {
    const { width, height, kernel } = steps[i]!;
    const before = i === 0 ? from : steps[i - 1]!;
    const across = axisOf(before.width, width, kernel, needed.left, needed.width);
    const down = axisOf(before.height, height, kernel, needed.top, needed.height);
    needed = { left: across.begin, top: down.begin, width: across.length, height: down.length };
    axes.unshift({ across, down });
  }
  let input: Window = {
    left: from.left + needed.left,
    top: from.top + needed.top,
    width: needed.width,
    height: needed.height,
  };
  if (steps.length === 0) return cut(picture, input);
  return axes.reduce((held, { across, down }) => {
    const made = applied(held, input, across, down);
    input = { left: 0, top: 0, width: made.width, height: made.height };
    return made;
  }, picture) as OwnPicture;
}

/** A rectangle of a picture. */
function cut({ width, data }: Picture, window: Window): OwnPicture {
  const rowBytes = 3 * window.width;
  const part = new Uint8Array(rowBytes * window.height);
  for (let y = 0; y < window.height; y++) {
    const begin = 3 * ((window.top + y) * width + window.left);
    part.set(data.subarray(begin, begin + rowBytes), y * rowBytes);
  }
  return { width: window.width, height: window.height, data: part };
}

/** Which inputs make which outputs, the inputs counted from `begin`, of which `length` are used in all. */
interface Axis {
  readonly begin: number;
  readonly length: number;
  /** For each output its first input and how many there are. */
  readonly bounds: Int32Array;
  /** The same number for each output. */
  readonly weights: Int32Array;
}

const precision = 22;

/** Axes that were made before: pictures of a data set often have the same sizes. */
const known = new Map<string, Axis>();

/** Axes that are kept. */
const maximumKnown = 256;

function axisOf(inputs: number, outputs: number, kernel: KernelName, first: number, count: number): Axis {
  const name = `${inputs} ${outputs} ${kernel} ${first} ${count}`;
  const axis =
    known.get(name) ??
    (inputs === outputs ? untouched(first, count) : weighted(inputs, outputs, kernel, first, count));
  if (known.size >= maximumKnown) known.clear();
  known.set(name, axis);
  return axis;
}

/** The weights of outputs `first` to `first + count`, of an axis of `inputs` that becomes `outputs`. */
function weighted(inputs: number, outputs: number, name: KernelName, first: number, count: number): Axis {
  const { support: ownSupport, weight } = kernels[name];
  const scale = inputs / outputs;
  const filterScale = Math.max(1, scale);
  const support = ownSupport * filterScale;
  const width = Math.ceil(support) * 2 + 1;
  const bounds = new Int32Array(2 * count);
  const weights = new Int32Array(width * count);
  const own = new Float64Array(width);
  let [begin, end] = [inputs, 0];
  for (let i = 0; i < count; i++) {
    const centre = (first + i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - support + 0.5));
    const high = Math.min(inputs, Math.trunc(centre + support + 0.5));
    let sum = 0;
    for (let x = low; x < high; x++) {
      const value = weight((x - centre + 0.5) * (1 / filterScale));
      own[x - low] = value;
      sum += value;
    }
    for (let k = 0; k < high - low; k++) {
      const value = (sum === 0 ? own[k]! : own[k]! / sum) * (1 << precision);
      weights[width * i + k] = Math.trunc(value < 0 ? value - 0.5 : value + 0.5);
    }
    bounds[2 * i] = low;
    bounds[2 * i + 1] = high - low;
    begin = Math.min(begin, low);
    end = Math.max(end, high);
  }
  for (let i = 0; i < count; i++) bounds[2 * i]! -= begin;
  return { begin, length: end - begin, bounds, weights };
}

/** An axis whose size stays: each output is its input. */
function untouched(first: number, count: number): Axis {
  const bounds = Int32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? i / 2 : 1));
  return { begin: first, length: count, bounds, weights: new Int32Array(count).fill(1 << precision) };
}

function applied(picture: Picture, input: Window, across: Axis, down: Axis): OwnPicture {
  const bounds = across.bounds.map((value, i) => (i % 2 === 0 ? value + input.left : value));
  const { top, height } = input;
  const rgb = native.resample(
    picture.data,
    picture.width,
    bounds,
    across.weights,
    top,
    height,
    down.bounds,
    down.weights,
  );
  return { width: across.bounds.length / 2, height: down.bounds.length / 2, data: new Uint8Array(rgb) };
}
