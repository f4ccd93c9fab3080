/** @file The studio's build: a page and its files, whose names tell what is in them, into dist/studio. */
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "/studio/",
  build: { outDir: "../dist/studio", assetsDir: "", emptyOutDir: true, modulePreload: false },
});
