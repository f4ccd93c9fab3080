/** @file Checks of training: the contrastive loss and its variants, whole steps with gradients, AdamW and EMA (SPEC sections 4, 6). */
import type { ContrastiveConfig } from "../models/dream/config.js";
import { contrastiveLoss } from "../models/dream/contrastive.js";
import type { DreamModel } from "../models/dream/dream.js";
import { TokenMask, TokenOrders } from "../models/dream/mask.js";
import { pytorchName, pytorchState } from "../models/dream/pytorch-names.js";
import { patchify } from "../models/dream/tokens.js";
import { readTensor } from "../nn/index.js";
import {
  backward,
  gradientOf,
  gradients,
  noGrad,
  requireGrad,
  scope,
  type Tensor,
  tensor,
  zerosLike,
} from "../tensor/index.js";
import { AdamW } from "../train/adamw.js";
import { MovingAverage } from "../train/ema.js";
import { clipFactor, gradientNorm } from "../train/optimiser.js";
import { minimumMask, type Recordings } from "./recordings.js";
import { type CheckBook, recordedDiffusion, recordedModel } from "./subject.js";
import { errorOf } from "./tolerance.js";

export function checkTraining(book: CheckBook): void {
  checkContrastiveVariants(book);
  checkContrastiveOnFeatures(book);
  const letters = caseLetters(book.recordings);
  for (const letter of letters) scope(() => checkStep(book, letter, letter === letters[0]));
}

/** The recorded training cases; the gradients and the optimiser's steps belong to the first. */
function caseLetters(recordings: Recordings): string[] {
  const found = recordings.names.flatMap((name) => /^in\.train\.(\w+)\.latents$/.exec(name)?.[1] ?? []);
  return found.sort();
}

function checkContrastiveVariants(book: CheckBook): void {
  const { recordings } = book;
  if (!recordings.hasInput("in.clip.img")) return;
  const flags = recordings.inputNumbers("in.clip.mask").map((flag) => flag !== 0);
  const recordedMinimum = recordings.json.config.min_ratio_for_clip_loss;
  const minimumVisible = typeof recordedMinimum === "number" ? recordedMinimum : 0;
  const filtered: ContrastiveConfig = { kind: "filtered", minimumVisible };
  const all = (scaling: "none" | "by-kept-share"): ContrastiveConfig => ({
    kind: "all",
    minimumVisible,
    scaling,
  });
  const variants: Readonly<Record<string, readonly [ContrastiveConfig, () => readonly boolean[]]>> = {
    filter: [filtered, () => flags],
    filter_scaleflag: [filtered, () => flags],
    filter_all: [filtered, () => flags.map(() => true)],
    filter_none: [filtered, () => flags.map(() => false)],
    plain: [all("none"), () => flags],
    plain_scaled: [all("by-kept-share"), () => flags],
    plain_min: [all("none"), () => recordings.inputNumbers(minimumMask).map((flag) => flag !== 0)],
  };
  const scale = scope(() => recordedModel(recordings).logitScale.exp().detach().clone());
  for (const [variant, [config, kept]] of Object.entries(variants)) {
    if (!book.wants(`out.clip.${variant}.loss`)) continue;
    if (variant === "plain_min" && !recordings.hasInput(minimumMask)) continue;
    scope(() => {
      const inputs = [recordings.input("in.clip.img"), recordings.input("in.clip.txt"), scale.clone()].map(
        requireGrad,
      );
      const [images, texts, learnedScale] = inputs as [Tensor, Tensor, Tensor];
      const { loss, keptShare } = contrastiveLoss(images, texts, learnedScale, kept(), config);
      const found = gradients([loss], inputs).map((gradient, i) => gradient ?? zerosLike(inputs[i]!));
      book.check(`out.clip.${variant}.loss`, () => loss.reshape([1]));
      book.check(`out.clip.${variant}.ratio`, () => [keptShare]);
      book.check(`out.clip.${variant}.grad_img`, () => found[0]!, "gradient");
      book.check(`out.clip.${variant}.grad_txt`, () => found[1]!, "gradient");
      book.check(`out.clip.${variant}.grad_scale`, () => found[2]!.reshape([1]), "gradient");
    });
  }
}

/** The contrastive loss on the encoder case's features, with the image head resting and learning. */
function checkContrastiveOnFeatures(book: CheckBook): void {
  const { recordings } = book;
  const needed = ["in.clipm.mask", "in.enc.latents", "in.enc.mask", "in.text.ids"];
  if (!needed.every((name) => recordings.hasInput(name))) return;
  const kept = recordings.inputNumbers("in.clipm.mask").map((flag) => flag !== 0);
  for (const mode of ["eval", "train"] as const) {
    scope(() => {
      const model = recordedModel(recordings);
      const tokens = patchify(recordings.input("in.enc.latents"), model.config.latent.patch);
      const mask = TokenMask.fromTensor(recordings.input("in.enc.mask"));
      const { representation } = model.encoder.forward(tokens, mask);
      model.imageProjection.setMode(mode);
      const images = model.imageProjection.forward(representation);
      const texts = model.embedTexts(recordings.input("in.text.ids"));
      const result = contrastiveLoss(images, texts, model.logitScale.exp(), kept, model.config.contrastive);
      book.check(`out.clipm.${mode}.proj`, () => images);
      book.check(`out.clipm.${mode}.loss`, () => result.loss.reshape([1]));
      book.check(`out.clipm.${mode}.ratio`, () => [result.keptShare]);
      for (const [name, buffer] of pytorchState(model)) book.check(`out.clipm.${mode}.${name}`, () => buffer);
    });
  }
}

function checkStep(book: CheckBook, letter: string, hasGradients: boolean): void {
  const { recordings } = book;
  const model = recordedModel(recordings);
  const input = (name: string): Tensor => recordings.input(`in.train.${letter}.${name}`);
  const check = (name: string, compute: () => Tensor | readonly number[], gradient = false): void =>
    book.check(`out.train.${letter}.${name}`, compute, gradient ? "gradient" : "result");
  const [count = 0] = recordings.inputNumbers(`in.train.${letter}.num_masked`);
  const mask = TokenMask.firstOf(TokenOrders.fromTensor(input("orders")), count);
  const group = { latents: input("latents"), captionIds: input("ids"), captions: input("t5"), mask };
  checkRows(book, model, letter, group);

  model.setMode("train");
  const repeats = model.config.drawsPerToken;
  const everyRow = mask.rows(model.device).toNumbers();
  const N = mask.batch * mask.tokenCount;
  const rows = Array.from({ length: repeats }, (_, repeat) => everyRow.map((row) => repeat * N + row)).flat();
  const at = tensor(rows, [rows.length], { dtype: "int64", device: model.device });
  const draws = { times: input("t").indexSelect(0, at), noise: input("noise").indexSelect(0, at) };
  const losses = model.losses([group], [draws]);
  check("mask", () => mask.toTensor(model.device));
  check("loss_mar", () => losses.generative.reshape([1]));
  check("loss_clip", () => losses.contrastive.reshape([1]));
  check("loss_total", () => losses.total.reshape([1]));
  for (const [name, buffer] of pytorchState(model)) check(`after.${name}`, () => buffer);

  backward(losses.total);
  const found = new Map(
    model
      .parameters()
      .map(([path, parameter]) => [
        pytorchName(path),
        gradientOf(parameter) ?? zerosLike(parameter.detach()),
      ]),
  );
  const order = recordings.json.parameter_order ?? [];
  check("grad_l2", () => order.map((name) => found.get(name)?.linalgNorm().item() ?? Number.NaN), true);
  if (!hasGradients || !recordings.has("grads")) return;
  checkGradients(book, found);
  if (recordings.has("tables")) checkOptimiser(book, model);
}

/** Loss terms of all rows, masked or not, and the decoder's output. */
function checkRows(
  book: CheckBook,
  model: DreamModel,
  letter: string,
  { latents, captions, mask }: { latents: Tensor; captions: Tensor; mask: TokenMask },
): void {
  const { recordings } = book;
  scope(() =>
    noGrad(() => {
      const tokens = patchify(latents, model.config.latent.patch);
      const { output } = model.encoder.forward(tokens, mask);
      const all = TokenMask.all(mask.batch, mask.tokenCount);
      const z = model.decoder.forward(output, mask, model.rememberCaptions(captions), all);
      const repeats = model.config.drawsPerToken;
      const { squaredError, variational } = recordedDiffusion(model).terms(
        tokens.flatten(0, 1).repeat([repeats, 1]),
        z.flatten(0, 1).repeat([repeats, 1]),
        recordings.input(`in.train.${letter}.t`),
        recordings.input(`in.train.${letter}.noise`),
      );
      book.check(`out.train.${letter}.z`, () => z);
      book.check(`out.train.${letter}.row_mse`, () => squaredError);
      book.check(`out.train.${letter}.row_vb`, () => variational);
    }),
  );
}

function checkGradients(book: CheckBook, found: ReadonlyMap<string, Tensor>): void {
  const file = book.recordings.open("grads");
  for (const name of file.tensors.keys()) {
    const expected = scope(() => readTensor(file, name).toNumbers());
    const actual = found.get(name)?.toNumbers() ?? [];
    const recorded = book.recordings.json.gradients?.[name] ?? {};
    book.add(
      `grad.${name}`,
      errorOf({ values: expected, exact: false }, { values: actual }, recorded, "gradient"),
    );
  }
}

interface OptimiserCase {
  readonly lr: number;
  readonly weight_decay: number;
  readonly clip: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly grad_scales: readonly number[];
  readonly ema_rate: number;
  readonly total_norm_before_clip?: readonly number[];
}

/**
 * Steps with the recorded gradients times each recorded scale. Recorded ones, because Adam divides by the gradient's size: where
 * the true gradient is zero (keys' biases), it would turn rounding into steps of full length.
 */
function checkOptimiser(book: CheckBook, model: DreamModel): void {
  const { optimizer_case: settings } = book.recordings.table("tables") as { optimizer_case?: OptimiserCase };
  if (settings === undefined) return;
  const file = book.recordings.open("grads");
  const parameters = model.parameters();
  const optimiser = new AdamW(parameters, {
    betas: settings.betas,
    epsilon: settings.eps,
    weightDecay: settings.weight_decay,
  });
  const average = new MovingAverage(parameters, settings.ema_rate);
  const norms = settings.grad_scales.map((scale, i) => {
    const scaled = parameters.map(([path]) =>
      scope(() => readTensor(file, pytorchName(path), model.device).mul(scale)),
    );
    const norm = gradientNorm(scaled);
    optimiser.step(scaled, settings.lr, clipFactor(norm, settings.clip));
    average.update();
    for (const [path, parameter] of parameters)
      book.check(`out.optim.step${i + 1}.${pytorchName(path)}`, () => parameter.detach());
    for (const [path, value] of average.state())
      book.check(`out.optim.ema${i + 1}.${pytorchName(path)}`, () => value);
    return norm;
  });
  if (settings.total_norm_before_clip !== undefined)
    book.add(
      "optimizer_case.total_norm_before_clip",
      errorOf({ values: settings.total_norm_before_clip, exact: false }, { values: norms }, {}, "gradient"),
    );
  optimiser.dispose();
  average.dispose();
}
