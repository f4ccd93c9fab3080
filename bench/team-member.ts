/**
 * @file One process of the `two-processes` row, or the one that they are compared with: takes its part of a step when it is told to.
 * Arguments: rank, size, and a file through which processes find each other.
 */
import { DreamModel } from "../src/models/dream/dream.js";
import { initialise } from "../src/models/dream/initialise.js";
import { Generator, ProcessGroup, randn, scope } from "../src/tensor/index.js";
import { Alone, TeamMember } from "../src/train/team.js";
import { Trainer } from "../src/train/trainer.js";
import { captionsOf, sizes } from "./sizes.js";
import { recipeOf, stepCases } from "./train-cases.js";

const [rank, size] = process.argv.slice(2, 4).map(Number) as [number, number];
const path = process.argv[4]!;
const one = stepCases["step-nano-f32"]!;

const group =
  size === 1
    ? null
    : ProcessGroup.join({
        ...{
          rank,
          size,
          localRank: rank,
          localSize: size,
          backend: "gloo",
          joinTimeoutMs: 60_000,
          timeoutMs: 60_000,
        },
        meeting: { kind: "file", path },
        listen: { kind: "address", name: "127.0.0.1" },
      });
const recipe = { ...recipeOf(one), maskGroups: 2 };
const model = new DreamModel(recipe.model);
initialise(model, Generator.fromSeed(1));
const trainer = new Trainer(model, recipe, 1, (parameters) =>
  group === null ? new Alone(parameters) : new TeamMember(group, parameters),
);
const { latent, captions } = sizes[one.size];
const { firstPlace, count } = trainer.part;
const lengths = one.lengths.slice(firstPlace, firstPlace + count);
let step = 0;

process.on("message", () => {
  const started = performance.now();
  scope(() => {
    const told = randn([count, captions.length, captions.width]);
    const batch = {
      latents: randn([count, latent.channels, latent.side, latent.side]),
      captionIds: captionsOf(lengths, recipe.model),
      captions: told,
    };
    trainer.step(batch, told.narrow(0, 0, 1), { step: step++, epoch: 1 }, null);
  });
  process.send!((performance.now() - started) / 1000);
});
process.send!("ready");
