/**
 * @file The forward and backward pass of one process's part of a step, in one or more rounds. The contrastive loss spans the whole
 * batch, so rounds cannot simply add up their gradients: first all but the last bring their features without recording,
 * then the joint loss is taken of everybody's, and then each is run again, recording, with the gradient of its features known
 * (GradCache, arXiv 2101.06983). With one round that is the ordinary step.
 */
import type { DreamModel, EncodedGroups, JointInputs, MaskGroup, OwnLosses } from "../models/dream/dream.js";
import type { DiffusionDraws } from "../models/dream/token-diffusion.js";
import { Recomputation } from "../nn/index.js";
import {
  autocast,
  backward,
  cat,
  type Generator,
  gradientOf,
  noGrad,
  requireGrad,
  requiresGrad,
  scope,
  type Tensor,
} from "../tensor/index.js";
import type { Team } from "./team.js";

/** Groups that are in memory at once. */
export interface Round {
  readonly groups: readonly MaskGroup[];
  /** For each group; null where its generative loss does not count. */
  readonly draws: readonly (DiffusionDraws | null)[];
  /** Sets the stream of dropout to this round's beginning. @returns the stream that drops class embeddings, at its own */
  begin(): Generator;
}

export interface Pass {
  readonly model: DreamModel;
  readonly team: Team;
  readonly precision: "float32" | "bfloat16";
  readonly activations: "kept" | "recomputed";
  /** One flag for each sample of the whole batch: the contrastive loss counts it. */
  readonly kept: readonly boolean[];
}

/** Of this process. */
export interface PassLosses {
  /** Scalars that a GPU may still be computing. */
  readonly generative: Tensor;
  readonly alignment: Tensor;
  /** Of the whole batch. */
  readonly contrastive: Tensor;
  readonly contrastiveShare: number;
}

/** Names of what only the generative loss reaches. */
const generativeOnly = /^(decoder|textAligner|diffusionHead)\./;

/** Leaves the gradients of one process's part on the team. */
export function learn(pass: Pass, rounds: readonly Round[]): PassLosses {
  const { model, team, kept } = pass;
  const groupCount = rounds.reduce((sum, { groups }) => sum + groups.length, 0);
  const early = rounds.slice(0, -1);
  const last = rounds.at(-1)!;
  const features = early.map((round) => featuresOf(pass, round));

  const joint = scope(() => {
    const run = new RoundRun(pass, last);
    const { encoded, losses } = run.forward();
    const inputs = encoded.joint === null ? null : everybodys(team, [...features, encoded.joint]);
    const contrastive = run.inPrecision(() => model.contrast(inputs, kept));
    const weighted = contrastive.loss.mul(model.config.lossWeights.contrastive);
    const total = weightedOf(model, losses, groupCount).add(weighted);
    if (early.length === 0) announce(pass, last);
    run.backward([total]);
    return {
      ...detached(losses),
      contrastive: contrastive.loss.detach(),
      contrastiveShare: contrastive.keptShare,
    };
  });

  const others = early.map((round, r) =>
    scope(() => {
      const run = new RoundRun(pass, round);
      const { encoded, losses } = run.forward();
      if (r === early.length - 1) announce(pass, round);
      const leaves = features[r];
      const brought = encoded.joint === null ? [] : [encoded.joint.images, encoded.joint.texts];
      const gradients = leaves === null || leaves === undefined ? [] : [leaves.images, leaves.texts];
      run.backward(
        [weightedOf(model, losses, groupCount), ...brought],
        gradients.map((leaf) => gradientOf(leaf)!),
      );
      return detached(losses);
    }),
  );

  const meanOf = (of: (losses: Pick<OwnLosses, "generative" | "alignment">) => Tensor): Tensor =>
    others.reduce((sum, one) => sum.add(of(one)), of(joint)).div(groupCount);
  return {
    ...joint,
    generative: meanOf(({ generative }) => generative),
    alignment: meanOf(({ alignment }) => alignment),
  };
}

const detached = ({ generative, alignment }: OwnLosses): Pick<OwnLosses, "generative" | "alignment"> => ({
  generative: generative.detach(),
  alignment: alignment.detach(),
});

function weightedOf(model: DreamModel, { generative, alignment }: OwnLosses, groupCount: number): Tensor {
  return model.weighted(generative.div(groupCount), alignment.div(groupCount));
}

/** Tells the team what the pass that follows will reach. */
function announce({ model, team }: Pass, { groups }: Round): void {
  const generates = groups.some(({ mask }) => model.generates(mask));
  team.beforeLastPass((name) => generates || !generativeOnly.test(name));
}

/** What a round brings to the joint loss, without recording; gradients gather on it. */
function featuresOf(pass: Pass, round: Round): JointInputs | null {
  const found = noGrad(() => scope(() => new RoundRun(pass, round).encode().joint));
  if (found === null) return null;
  return { images: requireGrad(found.images.detach()), texts: requireGrad(found.texts.detach()) };
}

/** Rows of all rounds and processes, in order of place. */
function everybodys(team: Team, mine: readonly (JointInputs | null)[]): JointInputs {
  const all = mine.filter((one) => one !== null);
  return {
    images: team.gather(cat(all.map(({ images }) => images))),
    texts: team.gather(cat(all.map(({ texts }) => texts))),
  };
}

/** One round through the network, forward and back. */
class RoundRun {
  readonly #recomputation: Recomputation | null;

  constructor(
    readonly pass: Pass,
    readonly round: Round,
  ) {
    const { activations, model } = pass;
    this.#recomputation =
      activations === "recomputed" ? new Recomputation(model.device, (body) => this.inPrecision(body)) : null;
  }

  encode(): EncodedGroups {
    const classes = this.round.begin();
    return this.inPrecision(() => this.pass.model.encode(this.round.groups, classes));
  }

  forward(): { readonly encoded: EncodedGroups; readonly losses: OwnLosses } {
    const { model } = this.pass;
    const body = () => {
      const encoded = this.encode();
      return { encoded, losses: this.inPrecision(() => model.ownLosses(encoded, this.round.draws)) };
    };
    return this.#recomputation === null ? body() : this.#recomputation.run(body);
  }

  /** From what records; losses have a gradient of 1, and those that are given follow for the others. */
  backward(outputs: readonly Tensor[], gradients: readonly Tensor[] = []): void {
    const [loss, ...others] = outputs as [Tensor, ...Tensor[]];
    // Where every group is gated and nothing contrasts, there is nothing to go back from.
    const pairs = [
      [loss, loss.detach().mul(0).add(1)] as const,
      ...others.map((one, i) => [one, gradients[i]!] as const),
    ];
    const recording = pairs.filter(([one]) => requiresGrad(one));
    if (recording.length === 0) return;
    const [from, given] = [recording.map(([one]) => one), recording.map(([, one]) => one)];
    if (this.#recomputation === null) backward(from, { outputGradients: given });
    else this.#recomputation.backward(from, given);
  }

  inPrecision<T>(body: () => T): T {
    const { precision, model } = this.pass;
    return precision === "float32" ? body() : autocast(model.device, precision, body);
  }
}
