import { describe, expect, it } from "vitest";
import {
  autocast,
  Generator,
  gradients,
  linear,
  noGrad,
  randn,
  requireGrad,
  stack,
  type Tensor,
  tensor,
} from "../tensor/index.js";
import { CrossAttention, noDropout, placesOf, SelfAttention } from "./attention.js";
import type { Linear } from "./linear.js";

const [B, N, M, D, heads] = [3, 7, 5, 12, 3];
const random = Generator.fromSeed(3);
const draw = (...shape: number[]): Tensor => requireGrad(randn(shape, { generator: random }).persist());

/** Random parameters, since new ones are zero. */
function randomised<T extends SelfAttention | CrossAttention>(layer: T): T {
  noGrad(() => {
    for (const [, parameter] of layer.parameters()) parameter.normal_(0, 0.5, { generator: random });
  });
  return layer;
}

/** Attention as it is defined. @param q [B, N, D] @param k [B, M, D] @param v [B, M, D] */
function attendPlainly(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null): Tensor {
  const split = (x: Tensor): Tensor => x.reshape([B, -1, heads, D / heads]).transpose(1, 2);
  const scores = split(q)
    .matmul(split(k).transpose(-2, -1))
    .div(Math.sqrt(D / heads));
  const weights = (mask === null ? scores : scores.add(mask)).softmax(-1);
  return weights.matmul(split(v)).transpose(1, 2).reshape([B, -1, D]);
}

/** The thirds of a fused projection applied one by one. */
function thirds({ weight, bias }: Linear, x: Tensor): [q: Tensor, k: Tensor, v: Tensor] {
  const part = (i: number): Tensor => linear(x, weight.narrow(0, i * D, D), bias.narrow(0, i * D, D));
  return [part(0), part(1), part(2)];
}

/** Outputs and the gradients by every input agree. */
function expectSame(layer: Tensor, plain: Tensor, inputs: readonly Tensor[]): void {
  expect(layer.shape).toEqual(plain.shape);
  const outputGradient = randn([...plain.shape], { generator: Generator.fromSeed(9) });
  const all = (out: Tensor): number[][] => [
    out.toNumbers(),
    ...gradients([out], inputs, { outputGradients: [outputGradient] }).map((one) => one!.toNumbers()),
  ];
  const expected = all(plain);
  for (const [i, values] of all(layer).entries())
    for (const [j, value] of values.entries()) expect(Math.abs(value - expected[i]![j]!)).toBeLessThan(2e-5);
}

const causal = tensor(
  Array.from({ length: N * N }, (_, i) => (i % N > Math.floor(i / N) ? Number.NEGATIVE_INFINITY : 0)),
  [N, N],
).persist();

describe("self-attention", () => {
  const layer = randomised(new SelfAttention(D, heads, noDropout)).setMode("train");
  const x = draw(B, N, D);
  const inputs = [x, ...layer.parameters().map(([, parameter]) => parameter)];

  it.each([
    ["of all to all", null],
    ["under a mask", causal],
  ])("is what its definition says, %s", (_, mask) => {
    const plain = layer.projection.forward(attendPlainly(...thirds(layer.qkv, x), mask));
    expectSame(layer.forward(x, mask), plain, inputs);
  });

  it("gives for some places what it gives for them among all", () => {
    const rows = tensor([1, 4, N + 0, N + 6, 2 * N + 2, 2 * N + 3], [6], { dtype: "int64" });
    expectSame(layer.forward(x, null, rows), placesOf(layer.forward(x), rows), inputs);
  });

  it("is about the same in bfloat16", () => {
    const [half, whole] = noGrad(() => [
      autocast("cpu", "bfloat16", () => layer.forward(x)).to({ dtype: "float32" }),
      layer.forward(x),
    ]);
    expect(half!.sub(whole!).abs().amax().item()).toBeLessThan(0.05 * whole!.abs().amax().item());
  });

  it("drops weights in training alone, and keeps their mean", () => {
    const dropping = new SelfAttention(D, heads, { attention: 0.3, projection: 0 });
    noGrad(() => {
      for (const [i, [, parameter]] of dropping.parameters().entries()) parameter.copy_(inputs[i + 1]!);
    });
    noGrad(() => {
      const whole = layer.forward(x);
      expect(dropping.setMode("eval").forward(x).sub(whole).abs().amax().item()).toBeLessThan(1e-6);
      dropping.setMode("train");
      const draws = stack(
        Array.from({ length: 2000 }, () => dropping.forward(x)),
        0,
      );
      expect(draws.select(0, 0).sub(whole).abs().amax().item()).toBeGreaterThan(0.01);
      // In units of the mean's own deviation; of 252 numbers one in 7,000 runs is beyond 5.
      const error = draws.mean(0).sub(whole);
      const deviation = draws.sub(draws.mean(0)).square().mean(0).div(2000).sqrt();
      expect(error.div(deviation).abs().amax().item()).toBeLessThan(5);
    });
  });
});

describe("attention to a text", () => {
  it("is what its definition says", () => {
    const layer = randomised(new CrossAttention(D, heads, noDropout)).setMode("train");
    const [x, text] = [draw(B, N, D), draw(B, M, D)];
    const [k, v] = layer.kv.forward(text).chunk(2, -1) as [Tensor, Tensor];
    const plain = layer.projection.forward(attendPlainly(layer.q.forward(x), k, v, null));
    const parameters = layer.parameters().map(([, parameter]) => parameter);
    expectSame(layer.forward(x, layer.remember(text)), plain, [x, text, ...parameters]);
  });
});
