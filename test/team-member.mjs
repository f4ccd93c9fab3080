/**
 * @file One process of a team, for team.test.ts: does one of the scenes below with the built package, and prints a line of JSON. With
 * --processes it starts as many of itself.
 */
import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { interruption } from "../dist/cli/interruption.js";
import { leaveToLauncher } from "../dist/cli/launcher.js";
import { runProcesses } from "../dist/cli/processes.js";
import { isTeamMember, joinTeam } from "../dist/cli/team.js";
import { DreamError } from "../dist/errors.js";
import { Block, Linear, Module } from "../dist/nn/index.js";
import {
  backward,
  full,
  Generator,
  gradientOf,
  noGrad,
  randn,
  requireGrad,
  scope,
  setGradient,
  tensor,
} from "../dist/tensor/index.js";

const [what, pidFile] = process.argv.slice(2);
const processes = process.argv.indexOf("--processes");

function tell(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** A small model with two heads, and a layer that nothing reaches. */
class Small extends Module {
  constructor() {
    super();
    const dropout = { attention: 0, projection: 0 };
    this.unused = new Linear(3, 2);
    this.block = new Block({ width: 8, heads: 2, mlpWidth: 16, epsilon: 1e-6, dropout });
    this.left = new Linear(8, 3);
    this.right = new Linear(8, 5);
    const random = Generator.fromSeed(1);
    noGrad(() => {
      for (const [, one] of this.parameters()) one.copy_(randn(one.shape, { generator: random }));
    });
  }

  /** @param heads which ones it goes through */
  loss(seed, heads) {
    const x = this.block.forward(randn([4, 3, 8], { generator: Generator.fromSeed(seed) }));
    return heads.map((head) => this[head].forward(x).square().mean()).reduce((a, b) => a.add(b));
  }
}

/** What each process reaches in its passes, of which the last is the armed one. */
const exchanges = {
  everywhere: () => [["left", "right"]],
  accumulated: () => [["left"], ["left", "right"], ["right"]],
  // The even ones know what they will not reach, the odd ones do not.
  different: (rank) => [[rank % 2 === 0 ? "left" : "right"]],
};

/** The parameters that a process says it will not reach. */
function unreachedOn(rank, name, model) {
  if (name !== "different" || rank % 2 === 1) return [];
  return model.parameters().flatMap(([path], i) => (/^(right|unused)\./.test(path) ? [i] : []));
}

const parametersOf = (model) => model.parameters().map(([, one]) => one);

/** The average of every process's gradients, by this one alone: buckets that are not armed leave a backward pass alone. */
function averageByOne(model, name, size, round) {
  const parameters = parametersOf(model);
  for (let rank = 0; rank < size; rank++)
    for (const [i, heads] of exchanges[name](rank).entries())
      scope(() => backward(model.loss(1000 * round + 10 * rank + i, heads)));
  return parameters.map((one) => {
    const sum = gradientOf(one);
    setGradient(one, null);
    return sum === null ? one.mul(0) : sum.div(size);
  });
}

function averageByAll(model, name, rank, buckets, round) {
  const passes = exchanges[name](rank);
  for (const [i, heads] of passes.entries()) {
    if (i === passes.length - 1) buckets.arm(unreachedOn(rank, name, model));
    scope(() => backward(model.loss(1000 * round + 10 * rank + i, heads)));
  }
  return buckets.finish();
}

const greatest = (x) => x.abs().amax().item();

/** The worst difference, by exchange and size of buckets, relative to the greatest gradient. */
function compare(group, model) {
  const { rank, size } = group;
  const worst = {};
  const parameters = parametersOf(model);
  for (const bucketBytes of [256, 25 << 20]) {
    const buckets = group.gradientBuckets(parameters, bucketBytes);
    for (const name of Object.keys(exchanges))
      for (const round of [1, 2])
        scope(() => {
          const wanted = averageByOne(model, name, size, round);
          const got = averageByAll(model, name, rank, buckets, round);
          const largest = Math.max(...wanted.map(greatest));
          const differences = got.map((one, i) => greatest(one.sub(wanted[i])) / largest);
          worst[name] = Math.max(worst[name] ?? 0, ...differences);
          if (parameters.some((one) => gradientOf(one) !== null)) worst[name] = "gradients are left";
          if (!(largest > 0)) worst[name] = "there are no gradients";
        });
    buckets.dispose();
  }
  return worst;
}

/** What an exchange throws. */
function messageOf(body) {
  try {
    body();
    return "nothing";
  } catch (error) {
    return error.message;
  }
}

/** Steps until something ends them. */
async function steps(group, model, each) {
  const buckets = group.gradientBuckets(parametersOf(model), 256);
  for (let step = 0; ; step++) {
    const ended = scope(() => {
      buckets.arm([]);
      backward(model.loss(step, ["left", "right"]));
      if (each(step) === "end") return true;
      buckets.finish();
      return false;
    });
    if (ended) return;
    await pause(5);
  }
}

const scenes = {
  async collectives(group) {
    const { rank, size } = group;
    const sum = tensor([rank + 1, 2], [2]);
    group.allReduce(sum, "sum");
    const max = tensor([rank, -rank], [2], { dtype: "int64" });
    group.allReduce(max, "max");
    const column = tensor([rank, 0, 1, 2 * rank], [2, 2]).t();
    group.allReduce(column, "sum");
    const sent = [
      tensor([rank, 1.5], [2]),
      tensor([rank + 5], [], { dtype: "int64" }),
      tensor([rank, 0, 1], [3], { dtype: "bool" }),
      tensor([rank, 2, 3, 4, 5, 6], [2, 3]).t(),
      // Two of these are more than one message takes.
      ...[1, 2].map((one) => full([size === 2 ? 34 << 20 : 1], rank * one, { dtype: "uint8" })),
    ];
    group.broadcast(sent, 1);
    const large = sent.splice(-2);
    const x = requireGrad(tensor([rank, 10 * rank], [1, 2]));
    const all = group.gather(x);
    // Every process computes the same loss of all; its gradient is 2 x, and averaging over the processes has to give that.
    backward(all.square().sum());
    const gradient = gradientOf(x).div(size);
    tell({
      rank,
      sum: sum.toNumbers(),
      max: max.toNumbers(),
      column: column.toNumbers(),
      sent: sent.map((one) => one.toNumbers()),
      large: large.map((one) => [one.amin().item(), one.amax().item()]),
      gathered: all.toNumbers(),
      gradient: gradient.toNumbers(),
      refused: messageOf(() => group.allReduce(tensor([1], [1], { dtype: "bool" }), "sum")),
    });
    group.leave();
  },

  async gradients(group) {
    const model = new Small();
    tell(compare(group, model));
    const twice = group.gradientBuckets(parametersOf(model), 256);
    const loss = () => model.loss(1, ["left"]);
    const errors = [messageOf(() => twice.finish())];
    twice.arm([]);
    errors.push(messageOf(() => twice.arm([])));
    backward(loss());
    errors.push(
      messageOf(() => backward(loss())),
      messageOf(() => twice.finish()),
    );
    tell(errors);
  },

  async killed(group) {
    const started = performance.now();
    await steps(group, new Small(), (step) => {
      if (step === 20 && group.rank === 1) process.kill(process.pid, "SIGKILL");
    }).catch((error) => {
      tell({ code: error.code, message: error.message, seconds: (performance.now() - started) / 1000 });
      throw error;
    });
  },

  async fails(group) {
    // As in training, SIGTERM only asks for an end.
    interruption("again");
    await pause(200);
    if (group.rank === 1)
      throw new DreamError("value", { operation: "step", message: "this one went wrong" });
    // One notices, another has nothing to do with it.
    if (group.rank === 2) await pause(1e6);
    group.allReduce(tensor([1], [1]), "sum");
  },

  async waits(group) {
    const stop = interruption("again");
    process.stderr.write(`process ${group.rank} is ready\n`);
    for (let step = 0; ; step++) {
      const wanted = tensor([stop.signal.aborted ? 1 : 0], [1]);
      group.allReduce(wanted, "max");
      if (wanted.item() === 1) return stop.finish(step);
      await pause(5);
    }
  },

  async joins(group) {
    tell({ rank: group.rank, size: group.size });
    group.leave();
  },
};

async function main() {
  if (processes > 0 && !isTeamMember())
    return runProcesses(Number(process.argv[processes + 1]), process.argv.slice(2));
  if (pidFile !== undefined) appendFileSync(pidFile, `${process.pid}\n`);
  await scenes[what](await joinTeam("cpu"));
  return process.exitCode ?? 0;
}

process.exitCode = await main().catch((error) => {
  if (!(error instanceof DreamError)) throw error;
  if (error.code !== "peer" || !leaveToLauncher(error.message))
    process.stderr.write(`dream: ${error.message}\n`);
  return 3;
});
