/** @file Which room is open: the address says it, so that a reload and the way back lead there. */
import { signal } from "@preact/signals";

export const roomNames = ["draw", "gallery", "search", "runs"] as const;
export type RoomName = (typeof roomNames)[number];

const inAddress = (): RoomName => roomNames.find((name) => name === location.hash.slice(1)) ?? "draw";

export const room = signal<RoomName>(inAddress());

addEventListener("hashchange", () => {
  room.value = inAddress();
});

export const goTo = (name: RoomName): void => {
  location.hash = name;
};
