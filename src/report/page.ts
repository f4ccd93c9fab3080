/** @file A page that needs nothing else: styles and pictures inside, no script, readable on paper, in the dark and in the light. */
import { encodePng, type Picture } from "../formats/images.js";
import { escapeHtml } from "./charts.js";

const style = `
:root { color-scheme: light dark; --ground: #fbfaf7; --ink: #1d1d1f; --soft: #6b6b70; --line: #d9d6cf; --card: #ffffff;
  --one: #2f6fde; --two: #d9622b; --three: #2b9a66; --four: #8e4cc4; }
@media (prefers-color-scheme: dark) { :root { --ground: #16171a; --ink: #ececee; --soft: #9a9aa2; --line: #34363c; --card: #1f2126;
  --one: #6ea2ff; --two: #ff9563; --three: #5bcf98; --four: #c391f0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 3rem 1.25rem 5rem; max-width: 62rem; background: var(--ground); color: var(--ink);
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 2.1rem; line-height: 1.15; margin: 0 0 0.5rem; letter-spacing: -0.01em; text-wrap: balance; }
h2 { font-size: 1.3rem; margin: 3rem 0 0.5rem; }
p { max-width: 46rem; } p.lead { font-size: 1.12rem; } .soft, figcaption, small { color: var(--soft); }
figure { margin: 1rem 0; } figcaption { font-size: 0.86rem; margin-top: 0.35rem; max-width: 46rem; }
img { image-rendering: pixelated; display: block; border-radius: 3px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0.75rem 0; }
th, td { text-align: left; padding: 0.3rem 0.9rem 0.3rem 0; border-bottom: 1px solid var(--line); font-weight: normal; vertical-align: middle; }
th { color: var(--soft); font-size: 0.86rem; } td.number, th.number { text-align: right; } td b { font-weight: 650; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; }
svg { max-width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
svg .title { font-size: 12px; font-weight: 600; fill: var(--ink); } svg .grid { stroke: var(--line); stroke-width: 1; }
.row { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: flex-end; }
.tile { text-align: center; font-size: 0.8rem; color: var(--soft); } .tile img { margin: 0 auto 0.15rem; }
.tile.chosen img { outline: 3px solid var(--two); outline-offset: 1px; } .tile.chosen { color: var(--two); font-weight: 600; }
.gallery { gap: 0.35rem; } .tile.wrong img { outline: 2px solid var(--two); outline-offset: -2px; }
.arrow { align-self: center; padding: 0 0.3rem; color: var(--soft); font-size: 1.3rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; margin: 1rem 0; break-inside: avoid; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 1.5rem 0; } .figures div b { display: block; font-size: 1.7rem; line-height: 1.1; }
.figures div { color: var(--soft); font-size: 0.86rem; } .figures div b { color: var(--ink); }
@media print { body { padding: 0; max-width: none; background: white; } h2 { break-after: avoid; } }
`;

export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** A picture inside the page, enlarged without smoothing. @param sizePixels side on the screen */
export async function inlinePicture(
  picture: Picture,
  sizePixels: number,
  description: string,
): Promise<string> {
  const bytes = Buffer.from(await encodePng(picture)).toString("base64");
  return `<img src="data:image/png;base64,${bytes}" width="${sizePixels}" height="${sizePixels}" alt="${escapeHtml(description)}">`;
}

/** @param numbers columns, from 0, whose entries stand to the right */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly number[] = [],
): string {
  const cell = (tag: "td" | "th", text: string, i: number): string =>
    `<${tag}${numbers.includes(i) ? ' class="number"' : ""}>${text}</${tag}>`;
  const line = (tag: "td" | "th", entries: readonly string[]): string =>
    `<tr>${entries.map((entry, i) => cell(tag, entry, i)).join("")}</tr>`;
  return `<table><thead>${line("th", head)}</thead><tbody>${rows.map((row) => line("td", row)).join("")}</tbody></table>`;
}
