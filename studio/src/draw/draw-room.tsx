/** @file The first room: a sentence, the canvas that fills, and the drafts that the model chooses between. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { sentenceOf, studio } from "../api.js";
import { pngOf } from "../shown-picture.js";
import { recordOf, squareOf } from "./brought-picture.js";
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
import { asked, change, restore } from "./settings.js";
import { SettingsForm } from "./settings-form.js";

export function DrawRoom() {
  return (
    <>
      <h1 class="unseen">Draw</h1>
      {studio.value!.captions ? (
        <div class="studio">
          <SentenceForm />
          <DrawingSection />
        </div>
      ) : (
        <p>
          This model draws numbered classes, not sentences: <code>dream generate --class N</code> asks it.
        </p>
      )}
    </>
  );
}

const sideOf = (): number => Number(studio.value!.model.size.split("x")[0]);

async function drawMarked(): Promise<void> {
  try {
    const mask = maskOf(marked.value, cellsOf(studio.value!.model.tokens), sideOf());
    const [image, white] = await Promise.all([pictureBlob(finished.value!.base64), mask]);
    await draw(asked.value, { image, mask: white });
  } catch (error) {
    problem.value = sentenceOf(error);
  }
}

function SentenceForm() {
  const { examples, model } = studio.value!;
  const isBlank = asked.value.prompt.trim() === "";
  return (
    <form
      aria-label="What to draw"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBlank) void draw(asked.value, null);
      }}
    >
      <label class="prompt">
        Sentence
        <textarea
          rows={3}
          required
          maxLength={4000}
          value={asked.value.prompt}
          placeholder={examples[0] ?? model.reads}
          onInput={({ currentTarget }) => change({ prompt: currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            event.currentTarget.form!.requestSubmit();
          }}
        />
      </label>
      {examples.length > 0 && (
        <fieldset class="examples">
          <legend>Or one of these</legend>
          {examples.map((example) => (
            <button key={example} type="button" class="quiet" onClick={() => change({ prompt: example })}>
              {example}
            </button>
          ))}
        </fieldset>
      )}
      <SettingsForm />
      <div class="row">
        <button type="submit" class="main" disabled={isBlank || isUnderWay.value}>
          Draw
        </button>
        {isUnderWay.value && (
          <button type="button" onClick={() => void cancel()}>
            Cancel
          </button>
        )}
        {finished.value !== null && marked.value.size > 0 && (
          <button type="button" onClick={() => void drawMarked()} disabled={isBlank}>
            Draw the marked part anew
          </button>
        )}
      </div>
      {problem.value !== "" && <p role="alert">{problem.value}</p>}
    </form>
  );
}

/** The picture that was brought last counts, however long the others take to read. */
let latest = 0;

async function brought(file: File | undefined): Promise<void> {
  if (file === undefined || isUnderWay.value) return;
  const own = ++latest;
  try {
    const [base64, record] = await Promise.all([squareOf(file, sideOf()), recordOf(file)]);
    if (own !== latest || isUnderWay.value) return;
    bring({ base64, seed: record?.settings.seed ?? null });
    if (record === null)
      problem.value = "This picture does not say what it was drawn from; it can be edited.";
    else restore(record.settings);
  } catch (error) {
    if (own === latest) problem.value = sentenceOf(error);
  }
}

function DrawingSection() {
  const isOver = useSignal(false);
  useEffect(() => {
    // A picture that misses its place must not take the page's.
    const stay = (event: DragEvent): void => event.preventDefault();
    addEventListener("dragover", stay);
    addEventListener("drop", stay);
    return () => {
      removeEventListener("dragover", stay);
      removeEventListener("drop", stay);
    };
  }, []);
  const { done, all } = progress.value;
  return (
    <section
      aria-label="The drawing"
      class={isOver.value ? "drawing over" : "drawing"}
      onDragOver={() => {
        isOver.value = true;
      }}
      onDragLeave={() => {
        isOver.value = false;
      }}
      onDrop={(event) => {
        event.preventDefault();
        isOver.value = false;
        void brought(event.dataTransfer?.files[0]);
      }}
    >
      <Canvas side={sideOf()} tokens={studio.value!.model.tokens} />
      <Timeline />
      <p class="status">
        <span role="status">{status()}</span>
        {isUnderWay.value && all > 0 && ` Step ${done} of ${all}.`}
      </p>
      {finished.value !== null && (
        <div class="row">
          <a class="button" href={pngOf(finished.value.base64)} download="drawn.png">
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
          onChange={({ currentTarget }) => {
            void brought(currentTarget.files?.[0]);
            // The same file can be chosen again.
            currentTarget.value = "";
          }}
        />
      </label>
      {drafts.value.length > 1 && <Drafts />}
    </section>
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
      return choice === "" ? "Drawing." : choice.trim();
    case "done": {
      const seed = finished.value?.seed ?? null;
      return `${choice}${seed === null ? "" : `Seed ${seed}. `}Mark what should be drawn anew: with the pointer, or with arrows and space.`;
    }
    case "cancelled":
      return `Called off after step ${progress.value.done}.`;
    case "failed":
      return "It failed.";
    default:
      throw new Error(`internal: no phase ${phase.value satisfies never}`);
  }
}
