/** @file Dark and light: as the system has it, or as it was chosen here. */
import { effect, signal } from "@preact/signals";

const key = "dream-theme";
const themes = ["auto", "light", "dark"] as const;
type Theme = (typeof themes)[number];

const kept = themes.find((one) => one === localStorage.getItem(key)) ?? "auto";

/** What is chosen. */
export const theme = signal<Theme>(kept);

effect(() => {
  document.documentElement.dataset.theme = theme.value;
  localStorage.setItem(key, theme.value);
});

export const nextTheme = (): void => {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length]!;
};
