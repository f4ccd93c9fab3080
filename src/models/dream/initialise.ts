/**
 * @file How parameters begin: one table (SPEC section 6, "Initialisation"). The first rule whose pattern fits a parameter's name
 * decides; names are property paths.
 */
import type { Generator, Tensor } from "../../tensor/index.js";
import { noGrad } from "../../tensor/index.js";
import type { DreamModel } from "./dream.js";
import { startWithNeighbours } from "./neighbour-start.js";

type Rule =
  | { readonly kind: "zero" }
  | { readonly kind: "one" }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "normal"; readonly deviation: number }
  /** Uniform within sqrt(6 / (fan in + fan out)); fused projections count their whole fan. */
  | { readonly kind: "xavier" }
  /** Uniform within 1 / sqrt(fan in), biases too: PyTorch's own. */
  | { readonly kind: "fan-in" }
  /** N(0, 1/sqrt(width of the text tower)). */
  | { readonly kind: "text-width" };

const normal = (deviation: number): Rule => ({ kind: "normal", deviation });

const table: readonly (readonly [pattern: RegExp, rule: Rule])[] = [
  [/^logitScale$/, { kind: "constant", value: Math.log(1 / 0.07) }],
  [/^textTower\.tokenEmbedding\.weight$/, normal(1)],
  [/^textTower\.positions$/, normal(0.01)],
  [/^(textTower|imageProjection)\.projection(\.projection)?$/, { kind: "text-width" }],
  [/^textAligner\.words\.weight$/, normal(1)],
  [/^textAligner\.positions$/, { kind: "zero" }],
  [/^(encoder|decoder)\.(positions|outputPositions|fakeLatent|maskToken)$/, normal(0.02)],
  [/^encoder\.classEmbedding\.weight$/, normal(0.02)],
  [/^alignmentProjector\./, { kind: "fan-in" }],
  [/^diffusionHead\.timeEmbedding\.\w+\.weight$/, normal(0.02)],
  [/^diffusionHead\..*modulation\.weight$/, { kind: "zero" }],
  [/^diffusionHead\.final\.linear\.weight$/, { kind: "zero" }],
  [/(norm\d?|Norm|bn\d)\.weight$/, { kind: "one" }],
  [/\.bias$/, { kind: "zero" }],
  [/\.weight$/, { kind: "xavier" }],
];

/** Draws every parameter afresh, in order of declaration. @param random the only source of randomness */
export function initialise(model: DreamModel, random: Generator): void {
  const textWidth = model.config.textTower.width;
  noGrad(() => {
    const parameters = new Map(model.parameters());
    for (const [name, tensor] of parameters) {
      const rule = table.find(([pattern]) => pattern.test(name))?.[1];
      if (rule === undefined) throw new Error(`internal: no initialisation for ${name}`);
      const fanIn = (): number => parameters.get(name.replace(/bias$/, "weight"))!.size(1);
      apply(rule, tensor, { textWidth, fanIn }, random);
    }
    const { spatialStart } = model.config;
    if (spatialStart.kind === "neighbours") startWithNeighbours(model, spatialStart, random);
  });
}

interface Widths {
  readonly textWidth: number;
  readonly fanIn: () => number;
}

function apply(rule: Rule, tensor: Tensor, { textWidth, fanIn }: Widths, random: Generator): void {
  switch (rule.kind) {
    case "zero":
      tensor.zero_();
      return;
    case "one":
      tensor.fill_(1);
      return;
    case "constant":
      tensor.fill_(rule.value);
      return;
    case "normal":
      tensor.normal_(0, rule.deviation, { generator: random });
      return;
    case "text-width":
      tensor.normal_(0, textWidth ** -0.5, { generator: random });
      return;
    case "fan-in": {
      const bound = fanIn() ** -0.5;
      tensor.uniform_(-bound, bound, { generator: random });
      return;
    }
    case "xavier": {
      const bound = Math.sqrt(6 / (tensor.size(0) + tensor.size(1)));
      tensor.uniform_(-bound, bound, { generator: random });
      return;
    }
    default:
      throw new Error(`internal: no rule ${rule satisfies never}`);
  }
}
