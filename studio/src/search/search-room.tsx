/** @file Pictures of the index, found by a sentence or by a picture. */
import { signal } from "@preact/signals";
import type { Found } from "../../../src/server/protocol.js";
import { ask, askFor, sending, sentenceOf, studio } from "../api.js";
import { base64Of, pathOf, ShownPicture } from "../shown-picture.js";

const text = signal("");
const found = signal<Found["data"] | null>(null);
const problem = signal("");
/** The last search counts, however late the others are answered. */
let latest = 0;

type Query = { readonly text: string } | { readonly image: string };

async function search(query: () => Promise<Query> | Query): Promise<void> {
  const own = ++latest;
  try {
    const { data } = await askFor<Found>("/v1/search", sending({ ...(await query()), count: 40 }));
    if (own !== latest) return;
    found.value = data;
    problem.value = "";
  } catch (error) {
    if (own === latest) problem.value = sentenceOf(error);
  }
}

function searchBy(file: Blob | undefined): void {
  if (file !== undefined) void search(async () => ({ image: await base64Of(file) }));
}

function searchLike(address: string): void {
  void search(async () => ({ image: await base64Of(await (await ask(pathOf(address))).blob()) }));
}

export function SearchRoom() {
  const { index } = studio.value!;
  if (index === null)
    return (
      <p>
        There is nothing to search. <code>dream index FOLDER</code> makes an index of pictures, and{" "}
        <code>dream serve --index</code> serves it.
      </p>
    );
  return (
    <>
      <h1>Search</h1>
      <search>
        <form
          class="search"
          onSubmit={(event) => {
            event.preventDefault();
            void search(() => ({ text: text.value }));
          }}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            searchBy(event.dataTransfer?.files[0]);
          }}
        >
          <label>
            What the picture shows ({index.pictures.toLocaleString("en")} pictures)
            <input
              type="search"
              required
              maxLength={4000}
              value={text}
              onInput={({ currentTarget }) => {
                text.value = currentTarget.value;
              }}
            />
          </label>
          <button type="submit" class="main">
            Search
          </button>
          <label class="file">
            Or by a picture, dropped here or chosen
            <input
              type="file"
              accept="image/png,image/jpeg,image/webp"
              onChange={({ currentTarget }) => {
                searchBy(currentTarget.files?.[0]);
                currentTarget.value = "";
              }}
            />
          </label>
        </form>
      </search>
      {problem.value !== "" && <p role="alert">{problem.value}</p>}
      <p class="status" role="status">
        {found.value !== null && `${found.value.length} pictures, the nearest first`}
      </p>
      <ol class="pictures">
        {found.value?.map(({ id, url, path, score }) => (
          <li key={id}>
            <button type="button" class="picture" title={path} onClick={() => searchLike(url)}>
              <ShownPicture source={url} description={path} />
              <span class="caption">
                {score.toFixed(3)} {path.split("/").at(-1)}
              </span>
            </button>
          </li>
        ))}
      </ol>
    </>
  );
}
