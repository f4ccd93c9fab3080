/** @file The page: its rooms, which the address names, and the light. */
import { useSignal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { enter, sentenceOf, studio, token, tokenAsked } from "./api.js";
import { DrawRoom } from "./draw/draw-room.js";
import { GalleryRoom } from "./gallery/gallery-room.js";
import { type RoomName, room, roomNames } from "./rooms.js";
import { RunsRoom } from "./runs/runs-room.js";
import { SearchRoom } from "./search/search-room.js";
import { nextTheme, theme } from "./theme.js";

const rooms: Readonly<Record<RoomName, { readonly title: string; readonly Room: FunctionComponent }>> = {
  draw: { title: "Draw", Room: DrawRoom },
  gallery: { title: "Gallery", Room: GalleryRoom },
  search: { title: "Search", Room: SearchRoom },
  runs: { title: "Runs", Room: RunsRoom },
};

export function App() {
  const problem = useSignal("");
  useEffect(() => {
    enter(token.value).catch((error: unknown) => {
      problem.value = tokenAsked.value ? "" : sentenceOf(error);
    });
  }, [problem]);
  const { Room, title } = rooms[room.value];
  useEffect(() => {
    document.title = `${title} · dream studio`;
  }, [title]);
  return (
    <>
      <header>
        <a class="name" href="#draw">
          dream <span class="soft">{studio.value?.model.id}</span>
        </a>
        <nav aria-label="Rooms">
          {roomNames.map((name) => (
            <a key={name} href={`#${name}`} aria-current={name === room.value ? "page" : undefined}>
              {rooms[name].title}
            </a>
          ))}
        </nav>
        <button type="button" class="quiet" aria-label={`Light: ${theme.value}`} onClick={nextTheme}>
          <span class="wide">Light: </span>
          {theme.value}
        </button>
      </header>
      <main>
        {problem.value !== "" && (
          <>
            <p role="alert">{problem.value}</p>
            <button type="button" onClick={() => location.reload()}>
              Try again
            </button>
          </>
        )}
        {tokenAsked.value ? <TokenForm /> : studio.value !== null && <Room />}
      </main>
    </>
  );
}

/** Where the server asks for a token. */
function TokenForm() {
  const given = useSignal("");
  const problem = useSignal("");
  const send = (event: Event): void => {
    event.preventDefault();
    enter(given.value).catch((error: unknown) => {
      problem.value = sentenceOf(error);
    });
  };
  return (
    <form class="narrow" onSubmit={send}>
      <h1>This server asks for a token</h1>
      <label>
        Token
        <input
          type="password"
          autocomplete="current-password"
          value={given}
          onInput={({ currentTarget }) => {
            given.value = currentTarget.value;
          }}
        />
      </label>
      <button type="submit">Enter</button>
      {problem.value !== "" && <p role="alert">{problem.value}</p>}
    </form>
  );
}
