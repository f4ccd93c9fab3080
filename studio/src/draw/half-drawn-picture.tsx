/** @file A picture as far as it is drawn: tokens that are still to come are left open. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { studio } from "../api.js";
import { pngOf } from "../shown-picture.js";
import type { HalfDrawn } from "./drawing.js";

/** Tokens of a side. */
export const cellsOf = (tokens: number): number => Math.round(Math.sqrt(tokens));

/** A token's square on a canvas. */
export const squareAt = (place: number, cells: number, pixels: number): [number, number, number, number] => {
  const side = pixels / cells;
  return [(place % cells) * side, Math.floor(place / cells) * side, side, side];
};

/** What is decoded of a picture. */
export interface Decoded {
  readonly image: HTMLImageElement;
  readonly hidden: readonly number[];
}

/** The newest picture that is decoded; the one before stays until it is. */
export function useDecoded(half: HalfDrawn | null): Decoded | null {
  const decoded = useSignal<Decoded | null>(null);
  useEffect(() => {
    if (half === null) {
      decoded.value = null;
      return;
    }
    const image = new Image();
    image.onload = () => {
      decoded.value = { image, hidden: half.hidden };
    };
    image.src = pngOf(half.base64);
    return () => {
      image.onload = null;
    };
  }, [half?.base64, half?.hidden, decoded]);
  return decoded.value;
}

/** Paints what there is, without smoothing. */
export function paint(canvas: HTMLCanvasElement, decoded: Decoded | null, cells: number): void {
  const context = canvas.getContext("2d")!;
  const pixels = canvas.width;
  context.clearRect(0, 0, pixels, pixels);
  context.imageSmoothingEnabled = false;
  if (decoded === null) return;
  context.drawImage(decoded.image, 0, 0, pixels, pixels);
  for (const place of decoded.hidden) context.clearRect(...squareAt(place, cells, pixels));
}

interface HalfDrawnPictureProps {
  readonly half: HalfDrawn | null;
  readonly description: string;
}

export function HalfDrawnPicture({ half, description }: HalfDrawnPictureProps) {
  const surface = useRef<HTMLCanvasElement>(null);
  const { size, tokens } = studio.value!.model;
  const side = Number(size.split("x")[0]);
  const decoded = useDecoded(half);
  useEffect(() => paint(surface.current!, decoded, cellsOf(tokens)), [decoded, tokens]);
  return <canvas ref={surface} width={side} height={side} role="img" aria-label={description} />;
}
