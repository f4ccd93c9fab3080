/** @file A run as TensorBoard shows it: scalars of every step, sample grids, the recipe. Steps are counted once they are taken, from 1. */
import { EventFile, type Summary } from "../formats/tensorboard-events.js";
import type { JournalEntry } from "./journal.js";

export class TrainingBoard {
  #file: EventFile | null = null;

  /** @param firstStep what earlier files have of it and after is not shown any more */
  constructor(
    readonly folder: string,
    readonly firstStep: number,
  ) {}

  /** @throws DreamError `io` where the disk is full */
  step(entry: JournalEntry): void {
    this.#show(entry.step + 1, [
      scalar("loss/generative", entry.generativeLoss),
      scalar("loss/contrastive", entry.contrastiveLoss),
      ...(entry.alignmentLoss === null ? [] : [scalar("loss/alignment", entry.alignmentLoss)]),
      scalar("loss/total", entry.totalLoss),
      scalar("masking/ratio", entry.maskRatio),
      scalar("masking/generative_share", entry.generativeShare),
      scalar("masking/contrastive_share", entry.contrastiveShare),
      scalar("optimiser/gradient_norm", entry.gradientNorm),
      scalar("optimiser/learning_rate", entry.learningRate),
      scalar("speed/images_per_second", entry.imagesPerSecond),
      ...(entry.ceilingShare === null ? [] : [scalar("speed/ceiling_share", entry.ceilingShare)]),
    ]);
  }

  /** @param taken steps @param picture encoded as PNG, and its size */
  picture(
    tag: string,
    taken: number,
    picture: { readonly png: Uint8Array; readonly width: number; readonly height: number },
  ): void {
    this.#show(taken, [{ kind: "picture", tag, ...picture }]);
  }

  /** @param text in Markdown */
  text(tag: string, text: string): void {
    this.#show(this.firstStep + 1, [{ kind: "text", tag, text }]);
  }

  /** A run that has nothing left to do leaves no file. */
  #show(taken: number, summaries: readonly Summary[]): void {
    if (this.#file === null) {
      this.#file = new EventFile(this.folder);
      this.#file.append(this.firstStep + 1, { kind: "start" });
    }
    this.#file.append(taken, { kind: "summaries", summaries });
  }
}

const scalar = (tag: string, value: number): Summary => ({ kind: "scalar", tag, value });
