/** @file The canvas: what is drawn so far, token by token, and the brush that marks what should be drawn anew. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { current, finished, marked } from "./drawing.js";
import { cellsOf, paint, squareAt, useDecoded } from "./half-drawn-picture.js";

interface CanvasProps {
  /** Of the picture, in pixels. */
  readonly side: number;
  readonly tokens: number;
}

/** Sharp pixels, however small the picture is. */
const shownSide = 512;

type Stroke = "mark" | "unmark";

export function Canvas({ side, tokens }: CanvasProps) {
  const surface = useRef<HTMLCanvasElement>(null);
  const cells = cellsOf(tokens);
  const pixels = side * Math.max(1, Math.round(shownSide / side));
  /** Where the keyboard's brush stands; null where it is not used. */
  const cursor = useSignal<number | null>(null);
  const stroke = useRef<Stroke | null>(null);

  const [whole, half] = [finished.value, current.value];
  const shown = useMemo(() => (whole === null ? half : { base64: whole.base64, hidden: [] }), [whole, half]);
  const decoded = useDecoded(shown);
  const [chosen, at] = [marked.value, cursor.value];
  useEffect(() => {
    paint(surface.current!, decoded, cells);
    const context = surface.current!.getContext("2d")!;
    context.fillStyle = "rgb(217 98 43 / 60%)";
    for (const place of chosen) context.fillRect(...squareAt(place, cells, pixels));
    context.lineWidth = 4;
    context.strokeStyle = "#2f6fde";
    if (at !== null) context.strokeRect(...squareAt(at, cells, pixels));
  }, [decoded, chosen, at, cells, pixels]);

  const canMark = whole !== null;
  const set = (place: number, how: Stroke): void => {
    if (marked.value.has(place) === (how === "mark")) return;
    const next = new Set(marked.value);
    if (how === "mark") next.add(place);
    else next.delete(place);
    marked.value = next;
  };
  const strokeAt = (place: number): Stroke => (marked.value.has(place) ? "unmark" : "mark");
  const placeAt = ({ clientX, clientY }: PointerEvent): number => {
    const { left, top, width, height } = surface.current!.getBoundingClientRect();
    const within = (value: number): number => Math.min(cells - 1, Math.max(0, Math.floor(value * cells)));
    return within((clientY - top) / height) * cells + within((clientX - left) / width);
  };
  const endStroke = (): void => {
    stroke.current = null;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!canMark) return;
    const place = cursor.value ?? 0;
    const [x, y] = [place % cells, Math.floor(place / cells)];
    const moves: Readonly<Record<string, number>> = {
      ArrowLeft: Math.max(0, x - 1) + y * cells,
      ArrowRight: Math.min(cells - 1, x + 1) + y * cells,
      ArrowUp: x + Math.max(0, y - 1) * cells,
      ArrowDown: x + Math.min(cells - 1, y + 1) * cells,
    };
    const next = moves[event.key];
    if (next !== undefined) cursor.value = next;
    else if (event.key === " ") set(place, strokeAt(place));
    else return;
    event.preventDefault();
  };
  return (
    <>
      <canvas
        ref={surface}
        class={canMark ? "canvas brush" : "canvas"}
        width={pixels}
        height={pixels}
        role={canMark ? "application" : "img"}
        aria-label={describe(cells * cells)}
        tabIndex={canMark ? 0 : -1}
        data-hidden={half?.hidden.length}
        data-marked={chosen.size}
        onPointerDown={(event) => {
          if (!canMark || event.button !== 0) return;
          event.preventDefault();
          surface.current!.setPointerCapture(event.pointerId);
          stroke.current = strokeAt(placeAt(event));
          set(placeAt(event), stroke.current);
        }}
        onPointerMove={(event) => {
          if (stroke.current !== null) set(placeAt(event), stroke.current);
        }}
        onPointerUp={endStroke}
        onPointerCancel={endStroke}
        onKeyDown={onKeyDown}
        onFocus={() => {
          if (surface.current!.matches(":focus-visible")) cursor.value ??= 0;
        }}
        onBlur={() => {
          cursor.value = null;
        }}
      />
      <p class="unseen" aria-live="polite">
        {at !== null &&
          `Row ${Math.floor(at / cells) + 1}, column ${(at % cells) + 1}${chosen.has(at) ? ", marked" : ""}`}
      </p>
    </>
  );
}

function describe(tokens: number): string {
  if (finished.value !== null) {
    const { size } = marked.value;
    return `The picture${size > 0 ? `, ${size} of ${tokens} parts marked` : ""}; arrows and space mark`;
  }
  if (current.value !== null)
    return `Half drawn: ${tokens - current.value.hidden.length} of ${tokens} tokens`;
  return "Nothing is drawn yet";
}
