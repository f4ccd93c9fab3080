/**
 * @file Which tokens are hidden. All images of a batch hide equally many, in different places; so what is visible is a
 * rectangle of indices, and the encoder can drop the rest. Orders decide: the first m of an image's order are hidden.
 */
import { DreamError } from "../../errors.js";
import { type Device, type Generator, rand, scope, type Tensor, tensor } from "../../tensor/index.js";

/** One permutation of the N tokens for each of B images. */
export class TokenOrders {
  constructor(
    readonly batch: number,
    readonly tokenCount: number,
    /** [B, N], row-major. */
    readonly values: Int32Array,
  ) {}

  /** A fresh random order for each image. */
  static random(batch: number, tokenCount: number, random: Generator): TokenOrders {
    const values = scope(() => rand([batch, tokenCount], { generator: random }).argsort(1).toNumbers());
    return new TokenOrders(batch, tokenCount, Int32Array.from(values));
  }

  /** Orders that a tensor holds. @param orders int64 [B, N] */
  static fromTensor(orders: Tensor): TokenOrders {
    const [batch, tokenCount] = orders.shape as [number, number];
    return new TokenOrders(batch, tokenCount, Int32Array.from(orders.toNumbers()));
  }

  /** Those of several batches, one after another. */
  static joined(parts: readonly TokenOrders[]): TokenOrders {
    const batch = parts.reduce((sum, part) => sum + part.batch, 0);
    const { tokenCount } = parts[0]!;
    const values = new Int32Array(batch * tokenCount);
    let at = 0;
    for (const part of parts) {
      values.set(part.values, at);
      at += part.values.length;
    }
    return new TokenOrders(batch, tokenCount, values);
  }

  /** The same orders with a mask's tokens before the others. */
  startingWith(mask: TokenMask): TokenOrders {
    const N = this.tokenCount;
    const values = new Int32Array(this.values.length);
    for (let b = 0, at = 0; b < this.batch; b++)
      for (const bit of [1, 0])
        for (let i = 0; i < N; i++) {
          const n = this.values[b * N + i]!;
          if (mask.bits[b * N + n] === bit) values[at++] = n;
        }
    return new TokenOrders(this.batch, N, values);
  }

  /** The orders of some images (indices into the batch), in the order given. */
  pick(images: readonly number[]): TokenOrders {
    const N = this.tokenCount;
    const values = new Int32Array(images.length * N);
    for (const [row, b] of images.entries()) values.set(this.values.subarray(b * N, (b + 1) * N), row * N);
    return new TokenOrders(images.length, N, values);
  }
}

/** A token by its place in its own image. */
const token = (_: number, n: number): number => n;

/** A choice of equally many tokens in each image of a batch. */
export class TokenMask {
  /** [B, N] of 0 and 1, row-major; 1 is chosen (hidden, or about to be drawn). */
  readonly bits: Uint8Array;
  /** Chosen tokens of each image. */
  readonly count: number;

  private constructor(
    readonly batch: number,
    readonly tokenCount: number,
    bits: Uint8Array,
  ) {
    this.bits = bits;
    this.count = batch === 0 ? 0 : bits.subarray(0, tokenCount).reduce((sum, bit) => sum + bit, 0);
    for (let b = 1; b < batch; b++) {
      const count = bits.subarray(b * tokenCount, (b + 1) * tokenCount).reduce((sum, bit) => sum + bit, 0);
      if (count !== this.count)
        throw new DreamError("shape", {
          operation: "mask",
          expected: `${this.count} masked tokens in every image, as in the first`,
          got: `${count} in image ${b}`,
        });
    }
  }

  /** Hides the first `count` tokens of each order. */
  static firstOf(orders: TokenOrders, count: number): TokenMask {
    const { batch, tokenCount, values } = orders;
    const bits = new Uint8Array(batch * tokenCount);
    for (let b = 0; b < batch; b++)
      for (let i = 0; i < count; i++) bits[b * tokenCount + values[b * tokenCount + i]!] = 1;
    return new TokenMask(batch, tokenCount, bits);
  }

  /** Chooses nothing. */
  static none(batch: number, tokenCount: number): TokenMask {
    return new TokenMask(batch, tokenCount, new Uint8Array(batch * tokenCount));
  }

  /** Chooses every token. */
  static all(batch: number, tokenCount: number): TokenMask {
    return new TokenMask(batch, tokenCount, new Uint8Array(batch * tokenCount).fill(1));
  }

  /** Hides the tokens whose bit is 1. @param bits [B, N] @throws DreamError `shape` where images hide differently many */
  static fromBits(batch: number, bits: Uint8Array): TokenMask {
    return new TokenMask(batch, bits.length / batch, bits);
  }

  /** Those of several batches, one after another. @throws DreamError `shape` where they hide differently many */
  static joined(parts: readonly TokenMask[]): TokenMask {
    const batch = parts.reduce((sum, part) => sum + part.batch, 0);
    const { tokenCount } = parts[0]!;
    const bits = new Uint8Array(batch * tokenCount);
    let at = 0;
    for (const part of parts) {
      bits.set(part.bits, at);
      at += part.bits.length;
    }
    return new TokenMask(batch, tokenCount, bits);
  }

  /** @param mask [B, N], non-zero is hidden @throws DreamError `shape` where images hide differently many */
  static fromTensor(mask: Tensor): TokenMask {
    const [batch, tokenCount] = mask.shape as [number, number];
    return new TokenMask(
      batch,
      tokenCount,
      Uint8Array.from(mask.toNumbers(), (n) => (n === 0 ? 0 : 1)),
    );
  }

  /** Chosen tokens of one image, by their places. */
  chosenOf(image: number): number[] {
    const row = this.bits.subarray(image * this.tokenCount, (image + 1) * this.tokenCount);
    return [...row.keys()].filter((n) => row[n] === 1);
  }

  /** What is chosen here and not there. */
  minus(other: TokenMask): TokenMask {
    return new TokenMask(
      this.batch,
      this.tokenCount,
      this.bits.map((bit, i) => bit & (other.bits[i]! ^ 1)),
    );
  }

  /** Share of an image's tokens that is chosen, 0..1. */
  get share(): number {
    return this.count / this.tokenCount;
  }

  /** The images of `images` (indices into the batch) only, in that order. */
  pick(images: readonly number[]): TokenMask {
    const bits = new Uint8Array(images.length * this.tokenCount);
    for (const [row, b] of images.entries())
      bits.set(this.bits.subarray(b * this.tokenCount, (b + 1) * this.tokenCount), row * this.tokenCount);
    return new TokenMask(images.length, this.tokenCount, bits);
  }

  /** The mask repeated as a whole. */
  repeat(times: number): TokenMask {
    const bits = new Uint8Array(this.bits.length * times);
    for (let k = 0; k < times; k++) bits.set(this.bits, k * this.bits.length);
    return new TokenMask(this.batch * times, this.tokenCount, bits);
  }

  /** float32 [B, N] of 0 and 1. */
  toTensor(device: Device): Tensor {
    return tensor(Float32Array.from(this.bits), [this.batch, this.tokenCount], { device });
  }

  /** int64 [B, count]: each image's chosen positions in raster order. */
  positions(device: Device): Tensor {
    return tensor(this.#find(1, token), [this.batch, this.count], { dtype: "int64", device });
  }

  /** int64 [B, N - count]: each image's other positions in raster order. */
  otherPositions(device: Device): Tensor {
    return tensor(this.#find(0, token), [this.batch, this.tokenCount - this.count], {
      dtype: "int64",
      device,
    });
  }

  /**
   * int64 [B x count]: the chosen positions as rows of a [B (lead + N), ...] matrix, in raster order.
   * @param lead rows that stand before each image's own
   */
  rows(device: Device, lead = 0): Tensor {
    const rows = this.#find(1, (b, n) => b * (lead + this.tokenCount) + lead + n);
    return tensor(rows, [rows.length], { dtype: "int64", device });
  }

  /**
   * int64 [B x N]: for each position its row in the matrix of unchosen rows (image by image, raster order), and
   * `filler` for a chosen position. `lead` rows stand before each image's own.
   */
  restoration(lead: number, filler: number): Int32Array {
    const perImage = lead + this.tokenCount - this.count;
    const rows = new Int32Array(this.batch * (lead + this.tokenCount));
    for (let b = 0, at = 0; b < this.batch; b++) {
      let next = b * perImage;
      for (let u = 0; u < lead; u++) rows[at++] = next++;
      for (let n = 0; n < this.tokenCount; n++)
        rows[at++] = this.bits[b * this.tokenCount + n] === 1 ? filler : next++;
    }
    return rows;
  }

  /** A number for each token that is chosen, or that is not, in raster order. */
  #find(bit: 0 | 1, numberOf: (image: number, token: number) => number): Int32Array {
    const count = bit === 1 ? this.count : this.tokenCount - this.count;
    const found = new Int32Array(this.batch * count);
    for (let b = 0, at = 0; b < this.batch; b++)
      for (let n = 0; n < this.tokenCount; n++)
        if (this.bits[b * this.tokenCount + n] === bit) found[at++] = numberOf(b, n);
    return found;
  }
}
