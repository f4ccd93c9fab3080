/** @file The paper's idea as one drawing: what each picture goes through, in training and in drawing. */

const box = (x: number, y: number, w: number, label: string, note: string, colour: string): string =>
  `<rect x="${x}" y="${y}" width="${w}" height="46" rx="8" fill="none" stroke="${colour}" stroke-width="1.6"/>` +
  `<text class="title" x="${x + w / 2}" y="${y + 20}" text-anchor="middle">${label}</text>` +
  `<text x="${x + w / 2}" y="${y + 36}" text-anchor="middle">${note}</text>`;

const arrow = (path: string): string =>
  `<path d="${path}" fill="none" stroke="var(--soft)" stroke-width="1.4" marker-end="url(#head)"/>`;

/** A picture of tokens, of which some are hidden. */
function tokens(x: number, y: number, hidden: readonly number[]): string {
  return Array.from({ length: 16 }, (_, i) => {
    const [left, top] = [x + (i % 4) * 15, y + Math.floor(i / 4) * 15];
    const disc = [5, 6, 9, 10].includes(i);
    const fill = hidden.includes(i) ? "var(--line)" : disc ? "var(--two)" : "var(--card)";
    return `<rect x="${left}" y="${top}" width="13" height="13" rx="2" fill="${fill}" stroke="var(--line)"/>`;
  }).join("");
}

/** Shares hidden at three moments of training, as a little hill that moves to the right. */
function hills(x: number, y: number): string {
  return [0, 0.5, 1]
    .map((mean, i) => {
      const left = x + i * 112;
      const points = Array.from({ length: 33 }, (_, j) => {
        const ratio = j / 32;
        return `${left + ratio * 92},${y - 34 * Math.exp(-((ratio - mean) ** 2) / (2 * 0.45 ** 2))}`;
      });
      const name = ["at first", "half way", "at the end"][i];
      return (
        `<polygon points="${left},${y} ${points.join(" ")} ${left + 92},${y}" fill="var(--one)" opacity="${0.25 + 0.15 * i}"/>` +
        `<text x="${left + 46}" y="${y + 15}" text-anchor="middle">${name}</text>`
      );
    })
    .join("");
}

/** A caption of two lines. */
const twoLines = (x: number, y: number, first: string, second: string): string =>
  `<text x="${x}" y="${y}">${first}<tspan x="${x}" dy="15">${second}</tspan></text>`;

export const ideaDrawing = `<svg viewBox="-24 0 800 340" role="img" aria-label="One encoder, two losses; masking warmup; choosing between half-drawn pictures">
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="var(--soft)"/></marker></defs>
${tokens(8, 62, [0, 3, 5, 7, 8, 12, 14])}
<text x="38" y="140" text-anchor="middle">some tokens hidden</text>
${arrow("M76,92 H112")}
${box(116, 69, 130, "encoder", "sees what is visible", "var(--one)")}
${arrow("M246,84 C290,84 290,43 330,43")}
${arrow("M246,100 C290,100 290,141 330,141")}
${box(334, 20, 150, "mean", "a vector for the picture", "var(--three)")}
${box(334, 118, 150, "decoder", "reads the sentence", "var(--two)")}
${arrow("M484,43 H530")}${arrow("M484,141 H530")}
${box(534, 20, 230, "contrastive loss", "near its own sentence, far from others", "var(--three)")}
${box(534, 118, 230, "diffusion loss", "draws each hidden token", "var(--two)")}
<text class="title" x="8" y="216">Masking Warmup: how much is hidden in training</text>
${hills(8, 278)}
${twoLines(8, 314, "little at first, so that pictures and sentences meet;", "much later, so that it learns to draw")}
<text class="title" x="400" y="216">Semantically Aligned Decoding</text>
${tokens(400, 232, [0, 1, 2, 3, 4, 5, 7, 8, 10, 11, 12, 13, 14])}
${tokens(474, 232, [0, 1, 2, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15])}
${tokens(548, 232, [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 14, 15])}
<rect x="470" y="228" width="66" height="66" rx="5" fill="none" stroke="var(--two)" stroke-width="2.5"/>
${arrow("M612,262 H648")}
${tokens(656, 232, [])}
${twoLines(400, 314, "several are begun; the model's own text tower", "says which to finish")}
</svg>`;
