/** @file Pictures that were kept, the newest first, each with the settings that draw it again. */
import { signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Gallery } from "../../../src/server/studio-protocol.js";
import { ask, askFor, sentenceOf, studio } from "../api.js";
import { bring, isUnderWay } from "../draw/drawing.js";
import { restore as restoreSettings } from "../draw/settings.js";
import { goTo } from "../rooms.js";
import { base64Of, pathOf, ShownPicture } from "../shown-picture.js";

type Kept = Gallery["data"][number];

/** Of a page. */
const pageSize = 60;

const pictures = signal<readonly Kept[]>([]);
const hasMore = signal(false);
const problem = signal("");
/** The last page that was asked for counts. */
let latest = 0;

async function turn(before: string | null): Promise<void> {
  const own = ++latest;
  try {
    const page = await askFor<Gallery>(
      `/v1/gallery?count=${pageSize}${before === null ? "" : `&before=${before}`}`,
    );
    if (own !== latest) return;
    pictures.value = before === null ? page.data : [...pictures.value, ...page.data];
    hasMore.value = page.has_more;
    problem.value = "";
  } catch (error) {
    if (own === latest) problem.value = sentenceOf(error);
  }
}

export function GalleryRoom() {
  const open = useSignal<Kept | null>(null);
  const hasGallery = studio.value!.gallery;
  useEffect(() => {
    if (hasGallery) void turn(null);
  }, [hasGallery]);
  if (!hasGallery)
    return (
      <p>
        Nothing is kept here. <code>dream serve --gallery FOLDER</code> keeps what the studio draws.
      </p>
    );
  return (
    <>
      <h1>Gallery</h1>
      {problem.value !== "" && <p role="alert">{problem.value}</p>}
      {pictures.value.length === 0 && <p>What you draw is kept here.</p>}
      <ul class="pictures">
        {pictures.value.map((kept) => (
          <li key={kept.id}>
            <button
              type="button"
              class="picture"
              onClick={() => {
                open.value = kept;
              }}
            >
              <ShownPicture source={kept.url} description={kept.record?.settings.prompt ?? "A picture"} />
              <span class="caption">{kept.record?.settings.prompt}</span>
            </button>
          </li>
        ))}
      </ul>
      {hasMore.value && (
        <button type="button" onClick={() => void turn(pictures.value.at(-1)?.id ?? null)}>
          Older ones
        </button>
      )}
      {open.value !== null && (
        <PictureDialog
          kept={open.value}
          onClose={() => {
            open.value = null;
          }}
        />
      )}
    </>
  );
}

interface PictureDialogProps {
  readonly kept: Kept;
  readonly onClose: () => void;
}

function PictureDialog({ kept, onClose }: PictureDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
  const { record } = kept;
  const restore = async (): Promise<void> => {
    const file = await (await ask(pathOf(kept.url))).blob();
    const base64 = await base64Of(file);
    if (isUnderWay.value) throw new Error("a drawing is under way: wait for it, or cancel it");
    if (record !== null) restoreSettings(record.settings);
    bring({ base64, seed: record?.settings.seed ?? null });
    goTo("draw");
  };
  const remove = async (): Promise<void> => {
    await ask(pathOf(kept.url), { method: "DELETE" });
    pictures.value = pictures.value.filter(({ id }) => id !== kept.id);
    dialog.current!.close();
  };
  const failing = (work: () => Promise<void>) => (): void => {
    work().catch((error: unknown) => {
      problem.value = sentenceOf(error);
      dialog.current!.close();
    });
  };
  const isSure = useSignal(false);
  return (
    <dialog ref={dialog} onClose={onClose} aria-label="A picture of the gallery">
      <ShownPicture source={kept.url} description={record?.settings.prompt ?? "A picture"} />
      {record === null ? (
        <p>This file does not say what it was drawn from.</p>
      ) : (
        <dl>
          {Object.entries(record.settings).map(([name, value]) => (
            <div key={name}>
              <dt>{name.replaceAll("_", " ")}</dt>
              <dd>{typeof value === "object" ? Object.values(value).join(" to ") : String(value)}</dd>
            </div>
          ))}
          {record.candidate_scores.length > 0 && (
            <div>
              <dt>draft</dt>
              <dd>
                {record.chosen + 1} of {record.candidate_scores.length}, score{" "}
                {record.candidate_scores[record.chosen]?.toFixed(3)}
              </dd>
            </div>
          )}
        </dl>
      )}
      {record?.is_edit && (
        <p class="soft">It is an edit of another picture, so these settings alone do not draw it.</p>
      )}
      <div class="row">
        <button type="button" class="main" onClick={failing(restore)}>
          Draw with these, or edit it
        </button>
        {isSure.value ? (
          <button type="button" onClick={failing(remove)}>
            Remove it from the disk
          </button>
        ) : (
          <button
            type="button"
            onClick={() => {
              isSure.value = true;
            }}
          >
            Remove
          </button>
        )}
        <button type="button" class="quiet" onClick={() => dialog.current!.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}
