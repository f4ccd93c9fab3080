import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { DreamError } from "../errors.js";
import {
  autocast,
  backward,
  call,
  Generator,
  gradientOf,
  gradients,
  liveTensorCount,
  noGrad,
  randn,
  requireGrad,
  requiresGrad,
  scope,
  shareBytes,
  type Tensor,
  takeBytes,
  tensor,
  tensorFromBytes,
  zeros,
} from "./index.js";

/** What a call throws. */
function thrownBy(body: () => unknown): DreamError {
  try {
    body();
  } catch (error) {
    if (error instanceof DreamError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("values", () => {
  it("cross the border and back in every type", () => {
    for (const dtype of ["float32", "float64", "int64", "int32", "int16", "int8", "uint8"] as const) {
      const x = tensor([1, 2, 100], [3], { dtype });
      expect(x.dtype).toBe(dtype);
      expect(x.toNumbers()).toEqual([1, 2, 100]);
    }
    expect(tensor([0, 5], [2], { dtype: "bool" }).toNumbers()).toEqual([0, 1]);
    expect(tensor([1.5, -2], [2]).to({ dtype: "bfloat16" }).toNumbers()).toEqual([1.5, -2]);
  });

  it("keep integers beyond 32 bits", () => {
    const large = 2 ** 53 - 1;
    expect(tensor([BigInt(large)], [1], { dtype: "int64" }).toNumbers()).toEqual([large]);
  });

  it("are refused where the count does not fit the shape", () => {
    expect(thrownBy(() => tensor([1, 2, 3], [2, 2]))).toMatchObject({
      code: "shape",
      expected: "4 numbers for shape [2, 2]",
    });
    expect(thrownBy(() => tensorFromBytes(new Uint8Array(3), [1], "float32")).message).toMatch(
      /needs 4 bytes, got 3/,
    );
  });

  it("follow PyTorch's arithmetic of numbers with tensors", () => {
    const ints = tensor([1, 2], [2], { dtype: "int64" });
    expect(ints.add(1).dtype).toBe("int64");
    expect(ints.add(0.5).dtype).toBe("float32");
    expect(tensor([1], [1]).mul(-0).toNumbers()).toEqual([-0]);
    expect(
      tensor([1, 2], [2])
        .sub(tensor([1, 1], [2]), { alpha: 3 })
        .toNumbers(),
    ).toEqual([-2, -1]);
  });
});

describe("bytes for another thread", () => {
  it("are the tensor's own memory, taken once, and outlive it", () => {
    const numbers = zeros([2]);
    const ticket = shareBytes(numbers);
    const bytes = takeBytes(ticket);
    numbers.fill_(3);
    const read = (): number[] => [...new Float32Array(bytes.buffer)];
    expect(read()).toEqual([3, 3]);
    numbers.dispose();
    expect(read()).toEqual([3, 3]);
    expect(() => takeBytes(ticket)).toThrow(/no tensor waits under ticket/);
  });

  it("are refused where they do not lie in a row", () => {
    expect(() => shareBytes(zeros([2, 3]).t())).toThrow(/only a contiguous tensor/);
  });
});

describe("errors", () => {
  it("name the operator and the operands", () => {
    const error = thrownBy(() => zeros([2, 3]).matmul(zeros([4, 5])));
    expect(error).toBeInstanceOf(DreamError);
    expect(error.operation).toBe("aten::matmul");
    expect(error.got).toBe("float32[2, 3], float32[4, 5]");
  });

  it("tell of a tensor that is gone", () => {
    let escaped: Tensor | undefined;
    scope(() => {
      escaped = zeros([2]);
      return null;
    });
    expect(escaped!.isDisposed).toBe(true);
    expect(thrownBy(() => escaped!.add(1)).hint).toMatch(/persist/i);
  });

  it("list the nearest names for an unknown operator", () => {
    expect(thrownBy(() => call("aten::matmull", zeros([1]))).hint).toBe('did you mean "aten::matmul"?');
  });

  it("refuse a plain number where a tensor belongs", () => {
    expect(thrownBy(() => call("aten::add.Tensor", zeros([1]), 2))).toMatchObject({
      code: "type",
      expected: "a Tensor",
    });
  });
});

describe("the untyped call", () => {
  it("reaches operators with several results, lists and dtypes", () => {
    const [values, indices] = call("aten::max.dim", tensor([3, 9, 4], [3]), 0) as [Tensor, Tensor];
    expect([values.item(), indices.item()]).toEqual([9, 1]);
    expect((call("aten::cat", [zeros([1]), zeros([2])], 0) as Tensor).shape).toEqual([3]);
    expect((call("aten::zeros", [2], "int32") as Tensor).dtype).toBe("int32");
    expect(call("aten::size.int", zeros([7]), 0)).toBe(7);
  });
});

describe("scopes", () => {
  it("free what is made in them and hand on what they return", () => {
    const before = liveTensorCount();
    const kept = scope(() => {
      const a = zeros([10]);
      const b = a.add(1);
      return { sum: a.add(b), list: [b.mul(2)] };
    });
    expect(liveTensorCount()).toBe(before + 2);
    expect(kept.sum.toNumbers()[0]).toBe(1);
    kept.sum.dispose();
    kept.list[0]!.dispose();
    expect(liveTensorCount()).toBe(before);
  });

  it("free when the body throws", () => {
    const before = liveTensorCount();
    expect(() =>
      scope(() => {
        zeros([10]);
        throw new Error("stop");
      }),
    ).toThrow("stop");
    expect(liveTensorCount()).toBe(before);
  });

  it("let persistent tensors live", () => {
    const kept: Tensor[] = [];
    scope(() => {
      kept.push(zeros([3]).persist());
    });
    expect(kept[0]!.shape).toEqual([3]);
    kept[0]!.dispose();
  });

  it("count a tensor's memory once where another takes it over", () => {
    const before = liveTensorCount();
    const outside = scope(() => {
      const laid = zeros([2], { device: "meta" }).persist();
      const value = tensor([3, 4], [2]);
      laid.become(value);
      expect(value.isDisposed).toBe(true);
      return laid;
    });
    expect(outside.become(tensor([5, 6], [2])).toNumbers()).toEqual([5, 6]);
    expect(liveTensorCount()).toBe(before + 1);
    outside.dispose();
    expect(liveTensorCount()).toBe(before);
  });

  it("refuse a promise, whose tensors would be freed under it", () => {
    expect(thrownBy(() => scope(async () => {})).code).toBe("usage");
  });

  it("leave memory flat over 100,000 operators", () => {
    const a = randn([64, 64]);
    const work = (count: number): void => {
      for (let i = 0; i < count / 100; i++)
        scope(() => {
          for (let j = 0; j < 100; j++) a.add(1);
        });
    };
    work(20_000);
    const live = liveTensorCount();
    const memory = process.memoryUsage.rss();
    work(100_000);
    expect(liveTensorCount()).toBe(live);
    // 100,000 results of 16 kB would be 1.6 GB.
    expect(process.memoryUsage.rss() - memory).toBeLessThan(50e6);
    a.dispose();
  });
});

describe("finalisers", () => {
  it("free what no scope owned once it is collected", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const before = liveTensorCount();
    (() => {
      for (let i = 0; i < 1000; i++) zeros([100]);
    })();
    expect(liveTensorCount()).toBe(before + 1000);
    for (let round = 0; round < 20 && liveTensorCount() > before + 10; round++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(liveTensorCount()).toBeLessThanOrEqual(before + 10);
  });
});

describe("gradients", () => {
  it("accumulate on leaves", () => {
    const x = requireGrad(tensor([1, 2, 3], [3]));
    backward(x.mul(x).sum());
    backward(x.sum());
    expect(gradientOf(x)!.toNumbers()).toEqual([3, 5, 7]);
    expect(gradientOf(zeros([1]))).toBeNull();
  });

  it("of several inputs come without accumulating, null where not reached", () => {
    const [a, b, c] = [2, 3, 4].map((n) => requireGrad(tensor([n], [1]))) as [Tensor, Tensor, Tensor];
    const [da, db, dc] = gradients([a.mul(b)], [a, b, c]);
    expect([da!.item(), db!.item(), dc]).toEqual([3, 2, null]);
    expect(gradientOf(a)).toBeNull();
  });

  it("of gradients can be taken", () => {
    const x = requireGrad(tensor([3], [1]));
    const [first] = gradients([x.pow(3)], [x], { createGraph: true });
    const [second] = gradients([first!], [x]);
    expect(second!.item()).toBeCloseTo(18);
  });

  it("are not recorded in noGrad, and again after it threw", () => {
    const x = requireGrad(zeros([1]));
    expect(requiresGrad(noGrad(() => x.add(1)))).toBe(false);
    expect(() =>
      noGrad(() => {
        throw new Error("stop");
      }),
    ).toThrow();
    expect(requiresGrad(x.add(1))).toBe(true);
  });
});

describe("autocast", () => {
  it("makes matrix products bfloat16 inside, and only there", () => {
    const [a, b] = [randn([8, 8]), randn([8, 8])];
    expect(autocast("cpu", "bfloat16", () => a.mm(b).dtype)).toBe("bfloat16");
    expect(a.mm(b).dtype).toBe("float32");
  });
});

describe("generators", () => {
  it("goes by what names it, and is let go of once", () => {
    const numbers = (generator: Generator): number[] => scope(() => randn([3], { generator }).toNumbers());
    expect(numbers(Generator.fromKey("a", 1))).toEqual(numbers(Generator.fromKey("a", 1)));
    expect(numbers(Generator.fromKey("a", 1))).not.toEqual(numbers(Generator.fromKey("a", 2)));
    const gone = Generator.fromSeed(1);
    gone.dispose();
    // Takes the place that became free, and keeps it.
    const next = Generator.fromSeed(2);
    gone.dispose();
    expect(numbers(next)).toEqual(numbers(Generator.fromSeed(2)));
    expect(() => numbers(gone)).toThrow(DreamError);
  });

  it("draw the same numbers from the same seed, and go on from a saved state", () => {
    const [one, two] = [Generator.fromSeed(5), Generator.fromSeed(5)];
    expect(randn([4], { generator: one }).toNumbers()).toEqual(randn([4], { generator: two }).toNumbers());
    const { state } = one;
    const after = randn([4], { generator: one }).toNumbers();
    two.state = state;
    expect(randn([4], { generator: two }).toNumbers()).toEqual(after);
  });
});
