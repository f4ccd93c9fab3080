/**
 * @file Activations that are computed again instead of kept. A stack of blocks is cut into segments; the forward pass runs each
 * without recording and keeps its input alone, the backward pass runs it once more, recording, and goes through it. The
 * numbers are the same, dropout's included: its generators are set back to where they were.
 */
import {
  backward,
  Generator,
  gradientOf,
  noGrad,
  requireGrad,
  requiresGrad,
  scope,
  type Tensor,
} from "../tensor/index.js";

type Body = (...inputs: Tensor[]) => Tensor;

/** A value of the graph that a segment reads; the gradient that gathers in its copy flows on to it. */
interface Gate {
  readonly kind: "gate";
  readonly value: Tensor;
  readonly copy: Tensor;
}

interface Segment {
  readonly kind: "segment";
  readonly body: Body;
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  readonly random: readonly Tensor[];
}

let current: Recomputation | null = null;

/** Runs a segment of the network: computed again in the backward pass where a {@link Recomputation} is in force, else as it stands. */
export function segment(inputs: readonly Tensor[], body: Body): Tensor {
  return current === null ? body(...inputs) : current.segment(inputs, body);
}

/** One forward pass that keeps little, and its backward pass. */
export class Recomputation {
  readonly #tape: (Gate | Segment)[] = [];
  readonly #outputs = new Set<Tensor>();
  readonly #copies = new Map<Tensor, Tensor>();
  readonly #generators: readonly Generator[];

  /** @param device whose dropout is repeated @param again how a segment is run once more: under automatic casts, say */
  constructor(
    device: string,
    readonly again: (body: () => Tensor) => Tensor,
  ) {
    this.#generators = [...new Set(["cpu", device])].map((name) => Generator.ofDevice(name));
  }

  /** Runs `body`, in which every {@link segment} is cut out of the graph. */
  run<T>(body: () => T): T {
    const outer = current;
    current = this;
    try {
      return body();
    } finally {
      current = outer;
    }
  }

  /** internal: {@link segment} */
  segment(inputs: readonly Tensor[], body: Body): Tensor {
    const copies = inputs.map((input) => this.#gate(input));
    const random = this.#generators.map((generator) => generator.state.persist());
    const output = requireGrad(scope(() => noGrad(() => body(...copies)).detach())).persist();
    this.#outputs.add(output);
    this.#tape.push({ kind: "segment", body, inputs: copies, output, random });
    return output;
  }

  /** Goes back from outputs, whose gradients are given or 1, through all segments. */
  backward(outputs: readonly Tensor[], outputGradients: readonly Tensor[] = []): void {
    backward(outputs, { outputGradients });
    for (let entry = this.#tape.pop(); entry !== undefined; entry = this.#tape.pop()) {
      this.#pass(entry);
      const held = entry.kind === "gate" ? [entry.value, entry.copy] : [entry.output, ...entry.random];
      for (const tensor of held) tensor.dispose();
    }
  }

  #pass(entry: Gate | Segment): void {
    scope(() => {
      const gradient = gradientOf(entry.kind === "gate" ? entry.copy : entry.output);
      if (gradient === null) return;
      if (entry.kind === "gate") return backward([entry.value], { outputGradients: [gradient] });
      for (const [i, generator] of this.#generators.entries()) generator.state = entry.random[i]!;
      const output = this.again(() => entry.body(...entry.inputs));
      backward([output], { outputGradients: [gradient] });
    });
  }

  /** A copy outside the graph, one for each value; a segment's output and what needs no gradient stand for themselves. */
  #gate(value: Tensor): Tensor {
    if (!requiresGrad(value) || this.#outputs.has(value)) return value;
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    const copy = requireGrad(value.detach()).persist();
    this.#copies.set(value, copy);
    // Whoever made it may let go of it before the backward pass.
    this.#tape.push({ kind: "gate", value: value.persist(), copy });
    return copy;
  }
}
