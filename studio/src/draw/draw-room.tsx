/** @file The first room: a sentence, the canvas that fills, and the drafts that the model chooses between. */
import { useSignal } from "@preact/signals";
import type { PictureRecord } from "../../../src/server/studio-protocol.js";
import { askFor, sending, sentenceOf, studio } from "../api.js";
import { base64Of } from "../shown-picture.js";
import { Canvas } from "./canvas.js";
import { Drafts } from "./drafts.js";
import {
  bring,
  cancel,
  choices,
  drafts,
  draw,
  finished,
  isUnderWay,
  marked,
  phase,
  problem,
  progress,
} from "./drawing.js";
import { cellsOf } from "./half-drawn-picture.js";
import { maskOf, pictureBlob } from "./mask.js";
import { asked, change } from "./settings.js";
import { SettingsForm } from "./settings-form.js";

export function DrawRoom() {
  return studio.value!.captions ? (
    <SentenceRoom />
  ) : (
    <p>This model draws numbered classes, not sentences: <code>dream generate --class N</code> asks it.</p>
  );
}

function SentenceRoom() {
  const isOver = useSignal(false);
  const { model } = studio.value!;
  const side = Number(model.size.split("x")[0]);
  const send = (event?: Event): void => {
    event?.preventDefault();
    void draw(asked.value, null);
  };
  const edit = async (): Promise<void> => {
    const { base64 } = finished.value!;
    const mask = maskOf(marked.value, cellsOf(model.tokens), side);
    const [image, whiteThere] = await Promise.all([pictureBlob(base64), mask]);
    await draw(asked.value, { image, mask: whiteThere });
  };
  const dropped = async (file: File | undefined): Promise<void> => {
    isOver.value = false;
    if (file === undefined || isUnderWay.value) return;
    const image = await base64Of(file);
    const record = await askFor<PictureRecord>("/v1/records", sending({ image })).catch(() => null);
    if (record !== null) asked.value = record.settings;
    try {
      bring(await squareOf(file, side), record?.settings.seed ?? null);
      problem.value =
        record === null ? "This picture does not say what it was drawn from; it can be edited." : "";
    } catch (error) {
      problem.value = sentenceOf(error);
    }
  };
  return (
    <div class="studio">
      <form onSubmit={send} aria-label="What to draw">
        <label class="prompt">
          Sentence
          <textarea
            rows={3}
            required
            maxLength={4000}
            value={asked.value.prompt}
            placeholder={studio.value!.examples[0] ?? model.reads}
            onInput={({ currentTarget }) => change({ prompt: currentTarget.value })}
            onKeyDown={(event) => {
              if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
            }}
          />
        </label>
        {studio.value!.examples.length > 0 && (
          <fieldset class="examples">
            <legend>Or one of these</legend>
            {studio.value!.examples.map((example) => (
              <button key={example} type="button" class="quiet" onClick={() => change({ prompt: example })}>
                {example}
              </button>
            ))}
          </fieldset>
        )}
        <SettingsForm />
        <div class="row">
          {isUnderWay.value ? (
            <button type="button" class="main" onClick={() => void cancel()}>
              Cancel
            </button>
          ) : (
            <button type="submit" class="main" disabled={asked.value.prompt.trim() === ""}>
              Draw
            </button>
          )}
          {finished.value !== null && marked.value.size > 0 && (
            <button type="button" onClick={() => void edit()} disabled={asked.value.prompt.trim() === ""}>
              Draw the marked part anew
            </button>
          )}
        </div>
        {problem.value !== "" && <p role="alert">{problem.value}</p>}
      </form>
      <section
        aria-label="The drawing"
        class={isOver.value ? "drawing over" : "drawing"}
        onDragOver={(event) => {
          event.preventDefault();
          isOver.value = true;
        }}
        onDragLeave={() => {
          isOver.value = false;
        }}
        onDrop={(event) => {
          event.preventDefault();
          void dropped(event.dataTransfer?.files[0]);
        }}
      >
        <Canvas side={side} tokens={model.tokens} />
        <Timeline />
        <p class="status" role="status">
          {status()}
        </p>
        {finished.value !== null && (
          <div class="row">
            <a class="button" href={`data:image/png;base64,${finished.value.base64}`} download="drawn.png">
              Download
            </a>
            {marked.value.size > 0 && (
              <button
                type="button"
                class="quiet"
                onClick={() => {
                  marked.value = new Set();
                }}
              >
                Unmark
              </button>
            )}
          </div>
        )}
        <label class="file">
          Bring a picture, to draw it again or to edit it
          <input
            type="file"
            accept="image/png,image/jpeg,image/webp"
            onChange={({ currentTarget }) => void dropped(currentTarget.files?.[0])}
          />
        </label>
        {drafts.value.length > 1 && <Drafts />}
      </section>
    </div>
  );
}

/** The steps so far, and the moments of choice. */
function Timeline() {
  const { done, all } = progress.value;
  if (all === 0) return null;
  return (
    <div class="timeline">
      <progress max={all} value={done} aria-label="Decoding steps" />
      {choices.value.map((at) => (
        <span
          key={at}
          class="moment"
          style={{ left: `${(100 * at) / all}%` }}
          title={`a choice, after step ${at}`}
        />
      ))}
    </div>
  );
}

function status(): string {
  const { done, all } = progress.value;
  const seed = finished.value?.seed;
  const chosen = drafts.value.filter(({ kept }) => kept);
  const choice =
    choices.value.length > 0 && chosen.length === 1
      ? `Draft ${chosen[0]!.candidate + 1} of ${drafts.value.length} fits the sentence best. `
      : "";
  switch (phase.value) {
    case "idle":
      return "Type a sentence, or drop a picture that was drawn here to have its settings.";
    case "waiting":
      return "Waiting for its turn.";
    case "drawing":
      return `${choice}Step ${done} of ${all}.`;
    case "done":
      return `${choice}${seed === null || seed === undefined ? "" : `Seed ${seed}. `}Mark what should be drawn anew: with the pointer, or with arrows and space.`;
    case "cancelled":
      return `Called off after step ${done}.`;
    case "failed":
      return "It failed.";
    default:
      throw new Error(`internal: no phase ${phase.value satisfies never}`);
  }
}

/** The middle of a picture, as the model takes it. @param side pixels @throws Error where it cannot be read */
async function squareOf(file: Blob, side: number): Promise<string> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error("this file is no picture that the browser can read");
  });
  const square = new OffscreenCanvas(side, side);
  const scale = side / Math.min(bitmap.width, bitmap.height);
  const context = square.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  context.drawImage(bitmap, (side - width) / 2, (side - height) / 2, width, height);
  return base64Of(await square.convertToBlob({ type: "image/png" }));
}
