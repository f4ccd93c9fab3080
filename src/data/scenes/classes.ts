/** @file What a scene is called by one word of many: the classes that probes tell apart. Each is seen in training and among what is held out. */
import type { SceneTruth } from "./truth.js";
import { colours, objectSizes, type SceneLevel, shapes } from "./vocabulary.js";

/** Names of a level's classes, in their order. */
export function sceneClasses(level: SceneLevel): string[] {
  switch (level) {
    case 1:
      return objectSizes.flatMap((size) =>
        colours.flatMap((colour) => shapes.map((shape) => `a ${size} ${colour} ${shape}`)),
      );
    case 2:
      return colours.flatMap((colour) =>
        shapes.map((shape) => `a ${colour} ${shape} left of or above another object`),
      );
    case 3:
      return ["no objects", "one object", "two objects", "three objects", "four objects"];
    default:
      throw new Error(`internal: no level ${level satisfies never}`);
  }
}

/** The class of a scene, a number of {@link sceneClasses}. Whole combinations of level 1 are no classes: those held out are never trained on. */
export function sceneClass({ level, objects, label }: SceneTruth): number {
  if (level > 1) return label;
  const { size, colour, shape } = objects[0]!;
  const number = objectSizes.indexOf(size) * colours.length + colours.indexOf(colour);
  return number * shapes.length + shapes.indexOf(shape);
}
