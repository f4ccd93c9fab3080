/** @file A scene as pixels: anti-aliased by the distance to each edge. Beside the picture, which object each pixel shows. */
import type { Picture } from "../../formats/images.js";
import type { Rgb, Scene, SceneGround, SceneObject } from "./scene.js";

/** A picture with its truth. */
export interface RenderedScene {
  readonly picture: Picture;
  /** For each pixel 0 for the ground, else 1 plus the number of the object that covers most of it. */
  readonly mask: Uint8Array;
}

/** @param sizePixels side of the square picture */
export function renderScene(scene: Scene, sizePixels: number): RenderedScene {
  const data = new Uint8Array(sizePixels * sizePixels * 3);
  const mask = new Uint8Array(sizePixels * sizePixels);
  const pixel = 1 / sizePixels;
  for (let row = 0; row < sizePixels; row++) {
    for (let column = 0; column < sizePixels; column++) {
      const [x, y] = [(column + 0.5) * pixel, (row + 0.5) * pixel];
      let colour = mix(scene.ground.base, scene.ground.ink, inkAt(scene.ground, x, y, pixel));
      const at = row * sizePixels + column;
      for (const [number, object] of scene.objects.entries()) {
        const coverage = covered(distanceTo(object, x, y), pixel);
        colour = mix(colour, object.rgb, coverage);
        if (coverage > 0.5) mask[at] = number + 1;
      }
      for (let channel = 0; channel < 3; channel++) data[at * 3 + channel] = Math.round(colour[channel]!);
    }
  }
  return { picture: { width: sizePixels, height: sizePixels, data }, mask };
}

function mix(below: Rgb, above: Rgb, share: number): Rgb {
  if (share <= 0) return below;
  return below.map((channel, i) => channel + (above[i]! - channel) * share) as unknown as Rgb;
}

/** Share of a pixel inside an edge at a signed distance. */
function covered(distance: number, pixel: number): number {
  return Math.min(1, Math.max(0, 0.5 - distance / pixel));
}

/** Signed distance to an object's edge, negative inside; all in shares of the side. */
function distanceTo({ shape, x: cx, y: cy, radius, rotation }: SceneObject, x: number, y: number): number {
  const [dx, dy] = [x - cx, y - cy];
  if (shape === "circle") return Math.hypot(dx, dy) - radius;
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
  const [u, v] = [dx * cos + dy * sin, dy * cos - dx * sin];
  if (shape === "square") return Math.max(Math.abs(u), Math.abs(v)) - radius * 0.886;
  return triangleDistance(u, v, radius * 1.2);
}

/** An equilateral triangle, point up, about its centroid. @param radius to its corners */
function triangleDistance(u: number, v: number, radius: number): number {
  const inner = radius / 2;
  const slanted = Math.abs(u) * Math.cos(Math.PI / 6) - v * Math.sin(Math.PI / 6);
  return Math.max(v - inner, slanted - inner);
}

/** Share of ink of the ground's pattern in a pixel. */
function inkAt({ kind, pitch, offset, angle }: SceneGround, x: number, y: number, pixel: number): number {
  if (kind === "plain") return 0;
  if (kind === "striped") {
    const across = x * Math.sin(angle) + y * Math.cos(angle) + offset[0] * pitch;
    const phase = across / pitch - Math.floor(across / pitch);
    return covered(Math.abs(phase - 0.5) * pitch - pitch * 0.2, pixel);
  }
  const cell = (value: number, shift: number): number => {
    const place = value / pitch + shift;
    return (place - Math.floor(place) - 0.5) * pitch;
  };
  return covered(Math.hypot(cell(x, offset[0]), cell(y, offset[1])) - pitch * 0.26, pixel);
}
