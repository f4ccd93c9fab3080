/** @file Dark and light: as the system has it, or as it was chosen here. */
import { computed, effect, signal } from "@preact/signals";

const key = "dream-theme";
const themes = ["auto", "light", "dark"] as const;
type Theme = (typeof themes)[number];

const kept = themes.find((one) => one === localStorage.getItem(key)) ?? "auto";

/** What is chosen. */
export const theme = signal<Theme>(kept);

const system = matchMedia("(prefers-color-scheme: dark)");
const isSystemDark = signal(system.matches);
system.addEventListener("change", ({ matches }) => {
  isSystemDark.value = matches;
});

/** What is seen. */
export const light = computed(() =>
  theme.value === "auto" ? (isSystemDark.value ? "dark" : "light") : theme.value,
);

effect(() => {
  document.documentElement.dataset.theme = theme.value;
  localStorage.setItem(key, theme.value);
});

export const nextTheme = (): void => {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length]!;
};
