/** @file The last check of what a pickle built: plain data only, nothing inside itself, and small when walked as a tree. */
import { described, type PickleItem, PickleTool, type Refuse } from "./machine.js";
import type { PickleValue } from "./value.js";

/** Deeper data is refused, so that whoever walks it may recurse. */
const maximumDepth = 200;

/**
 * Values that are referred to from several places count each time: a list of two lists of two lists ... stays small in memory and
 * has no end for who prints it.
 */
const maximumTreeSize = 16_000_000;

interface Measure {
  depth: number;
  size: number;
}

const leaf: Measure = { depth: 0, size: 1 };

interface Open extends Measure {
  readonly item: object;
  readonly children: Iterator<PickleItem>;
}

/** @throws the refusal's error where data is not plain */
export function requirePlain(root: PickleItem, refuse: Refuse): PickleValue {
  const measured = new Map<object, Measure | "open">();
  const path: Open[] = [];
  const sum: Measure = { depth: 0, size: 0 };
  const visit = (item: PickleItem, parent: Measure): void => {
    if (item instanceof PickleTool) throw refuse("data", item.description);
    const children = childrenOf(item);
    const known = children === null ? leaf : measured.get(item as object);
    if (known === "open") throw refuse("data", `${described(item)} that contains itself`);
    if (known !== undefined) {
      add(parent, known);
      return;
    }
    measured.set(item as object, "open");
    path.push({ item: item as object, children: children!, depth: 1, size: 1 });
    if (path.length > maximumDepth) throw refuse(`data at most ${maximumDepth} deep`, "deeper data");
  };
  const add = (parent: Measure, child: Measure): void => {
    parent.depth = Math.max(parent.depth, child.depth + 1);
    parent.size += child.size;
    if (parent.depth > maximumDepth) throw refuse(`data at most ${maximumDepth} deep`, "deeper data");
    if (parent.size > maximumTreeSize) throw refuse(`at most ${maximumTreeSize} values`, "more");
  };
  visit(root, sum);
  while (path.length > 0) {
    const open = path.at(-1)!;
    const next = open.children.next();
    if (next.done !== true) visit(next.value, open);
    else {
      path.pop();
      measured.set(open.item, open);
      add(path.at(-1) ?? sum, open);
    }
  }
  return root as PickleValue;
}

/** A container's values; keys are plain already. */
function childrenOf(item: PickleItem): Iterator<PickleItem> | null {
  if (item instanceof Map) return item.values();
  return Array.isArray(item) ? item.values() : null;
}
