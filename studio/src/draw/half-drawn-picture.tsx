/** @file A picture as far as it is drawn: tokens that are still to come are left open. */
import { useEffect, useRef } from "preact/hooks";
import { studio } from "../api.js";
import { pngOf } from "../shown-picture.js";
import type { HalfDrawn } from "./drawing.js";

/** A token's square on a canvas. */
export const squareAt = (place: number, cells: number, pixels: number): [number, number, number, number] => {
  const side = pixels / cells;
  return [(place % cells) * side, Math.floor(place / cells) * side, side, side];
};

/** Paints what there is, without smoothing. @param finished is told when it is painted @returns calls it off */
export function paintHalf(
  canvas: HTMLCanvasElement,
  half: HalfDrawn | null,
  cells: number,
  finished: (context: CanvasRenderingContext2D) => void = () => {},
): () => void {
  const context = canvas.getContext("2d")!;
  const pixels = canvas.width;
  const image = new Image();
  const paint = (): void => {
    context.clearRect(0, 0, pixels, pixels);
    context.imageSmoothingEnabled = false;
    if (half !== null) context.drawImage(image, 0, 0, pixels, pixels);
    for (const place of half?.hidden ?? []) context.clearRect(...squareAt(place, cells, pixels));
    finished(context);
  };
  if (half === null) paint();
  else {
    image.onload = paint;
    image.src = pngOf(half.base64);
  }
  return () => {
    image.onload = null;
  };
}

/** Tokens of a side. */
export const cellsOf = (tokens: number): number => Math.round(Math.sqrt(tokens));

interface HalfDrawnPictureProps {
  readonly half: HalfDrawn | null;
  readonly description: string;
}

export function HalfDrawnPicture({ half, description }: HalfDrawnPictureProps) {
  const surface = useRef<HTMLCanvasElement>(null);
  const { size, tokens } = studio.value!.model;
  const side = Number(size.split("x")[0]);
  useEffect(() => paintHalf(surface.current!, half, cellsOf(tokens)), [half, tokens]);
  return <canvas ref={surface} width={side} height={side} role="img" aria-label={description} />;
}
