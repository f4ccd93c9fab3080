/** @file The canvas: what is drawn so far, token by token, and the brush that marks what should be drawn anew. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { current, finished, marked } from "./drawing.js";
import { cellsOf, paintHalf, squareAt } from "./half-drawn-picture.js";

interface CanvasProps {
  /** Of the picture, in pixels. */
  readonly side: number;
  readonly tokens: number;
}

/** Sharp pixels, however small the picture is. */
const shownSide = 512;

export function Canvas({ side, tokens }: CanvasProps) {
  const surface = useRef<HTMLCanvasElement>(null);
  const cells = cellsOf(tokens);
  const scale = Math.max(1, Math.round(shownSide / side));
  const pixels = side * scale;
  /** Where the keyboard's brush stands; null where it is not used. */
  const cursor = useSignal<number | null>(null);
  const brush = useRef<"mark" | "unmark" | null>(null);

  const whole = finished.value;
  const half = current.value;
  const [chosen, at] = [marked.value, cursor.value];
  useEffect(
    () =>
      paintHalf(
        surface.current!,
        whole === null ? half : { base64: whole.base64, hidden: [] },
        cells,
        (context) => {
          context.fillStyle = "rgb(217 98 43 / 60%)";
          for (const place of chosen) context.fillRect(...squareAt(place, cells, pixels));
          context.lineWidth = 4;
          context.strokeStyle = "#2f6fde";
          if (at !== null) context.strokeRect(...squareAt(at, cells, pixels));
        },
      ),
    [whole, half, chosen, at, cells, pixels],
  );

  const canMark = finished.value !== null;
  const set = (place: number, how: "mark" | "unmark"): void => {
    const next = new Set(marked.value);
    if (how === "mark") next.add(place);
    else next.delete(place);
    marked.value = next;
  };
  const placeAt = ({ clientX, clientY }: PointerEvent): number => {
    const { left, top, width, height } = surface.current!.getBoundingClientRect();
    const within = (value: number): number => Math.min(cells - 1, Math.max(0, Math.floor(value * cells)));
    return within((clientY - top) / height) * cells + within((clientX - left) / width);
  };
  const onPointerDown = (event: PointerEvent): void => {
    if (!canMark) return;
    event.preventDefault();
    surface.current!.setPointerCapture(event.pointerId);
    const place = placeAt(event);
    brush.current = marked.value.has(place) ? "unmark" : "mark";
    set(place, brush.current);
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
    else if (event.key === " ") set(place, marked.value.has(place) ? "unmark" : "mark");
    else return;
    event.preventDefault();
  };
  return (
    <canvas
      ref={surface}
      class={canMark ? "canvas brush" : "canvas"}
      width={pixels}
      height={pixels}
      role="img"
      aria-label={describe(cells * cells)}
      aria-keyshortcuts={canMark ? "ArrowLeft ArrowRight ArrowUp ArrowDown Space" : undefined}
      tabIndex={canMark ? 0 : -1}
      data-hidden={half?.hidden.length}
      data-marked={marked.value.size}
      onPointerDown={onPointerDown}
      onPointerMove={(event) => {
        if (brush.current !== null) set(placeAt(event), brush.current);
      }}
      onPointerUp={() => {
        brush.current = null;
      }}
      onPointerCancel={() => {
        brush.current = null;
      }}
      onKeyDown={onKeyDown}
      onFocus={() => {
        if (surface.current!.matches(":focus-visible")) cursor.value ??= 0;
      }}
      onBlur={() => {
        cursor.value = null;
      }}
    />
  );
}

function describe(tokens: number): string {
  if (finished.value !== null)
    return `The picture${marked.value.size > 0 ? `, with ${marked.value.size} of ${tokens} parts marked` : ""}`;
  if (current.value !== null)
    return `Half drawn: ${tokens - current.value.hidden.length} of ${tokens} tokens`;
  return "Nothing is drawn yet";
}
