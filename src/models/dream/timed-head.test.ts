import { describe, expect, it } from "vitest";
import { Generator, noGrad, randn, scope, tensor } from "../../tensor/index.js";
import { DiffusionHead } from "./diffusion-head.js";
import { guide, TimedHead } from "./timed-head.js";

/** A head with every parameter drawn. */
function randomHead(token: number, width: number, depth: number, output: number): DiffusionHead {
  const random = Generator.fromSeed(3);
  const head = new DiffusionHead({ token, condition: 24, output }, { depth, width });
  noGrad(() => {
    for (const [, parameter] of head.parameters()) parameter.normal_(0, 0.3, { generator: random });
  });
  head.setMode("eval");
  return head;
}

const times = [999, 480, 0];

describe("a head at fixed times", () => {
  // Widths that fill panels of features and that do not; rows in every number that registers hold, and beyond.
  it.each([
    [16, 32, 2, 32],
    [5, 40, 3, 10],
    [16, 64, 1, 16],
    [3, 7, 2, 6],
  ])(
    "says what its parts say: tokens of %i numbers, %i wide, %i blocks, %i out",
    (token, width, depth, output) => {
      const head = randomHead(token, width, depth, output);
      const timed = new TimedHead(head, times);
      for (let P = 1; P <= 14; P++)
        for (const guidance of [null, { scale: 2 }])
          noGrad(() =>
            scope(() => {
              const x = randn([P, token]);
              const z = randn([guidance === null ? P : 2 * P, 24]);
              const at = P % times.length;
              const rows = z.size(0);
              const told = tensor(Array<number>(rows).fill(times[at]!), [rows]);
              const states = guidance === null ? x : x.repeat([2, 1]);
              const expected = head.forward(states, told, z);
              const said = timed.tell(x, at, timed.condition(z), guidance);
              expect(said.shape).toEqual(expected.shape);
              const apart = said.sub(expected).abs().amax().item();
              expect(apart).toBeLessThan(2e-5 * expected.abs().amax().item());
            }),
          );
      timed.dispose();
    },
  );

  it("keeps what it had when the head goes on learning", () => {
    const head = randomHead(4, 16, 1, 4);
    const timed = new TimedHead(head, times);
    noGrad(() =>
      scope(() => {
        const [x, condition] = [randn([2, 4]), timed.condition(randn([2, 24]))];
        const before = timed.tell(x, 0, condition, null).toNumbers();
        for (const block of head.blocks) block.fc1.weight.mul_(2);
        for (const block of head.blocks) block.norm.weight.mul_(2);
        head.final.linear.weight.mul_(2);
        expect(timed.tell(x, 0, condition, null).toNumbers()).toEqual(before);
      }),
    );
  });

  it("is guided from the unconditional rows towards the conditional ones", () => {
    const output = tensor([1, 2, 10, 20], [4, 1]);
    expect(guide(output, { scale: 3 }).toNumbers()).toEqual([-17, -34]);
    expect(guide(output, { scale: 1 }).toNumbers()).toEqual([1, 2]);
  });
});
