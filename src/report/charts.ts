/** @file Line charts as SVG text: no script, colours from the page's own variables, so that they follow dark and light. */

export interface Series {
  readonly name: string;
  /** A CSS colour. */
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Half-transparent band between a low and a high for each x. */
  readonly band?: readonly (readonly [x: number, low: number, high: number])[];
}

export interface ChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
  /** From the data where left out. */
  readonly yRange?: readonly [low: number, high: number];
  readonly markPoints?: boolean;
  readonly formatX?: (x: number) => string;
  readonly formatY?: (y: number) => string;
}

const width = 440;
const height = 240;
const inner = { left: 48, right: 12, top: 34, bottom: 40 };

export function lineChart(options: ChartOptions): string {
  const { title, xLabel, series, markPoints = false } = options;
  const { formatX = plainNumber, formatY = plainNumber } = options;
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) return "";
  const [x0, x1] = rangeOf(all.map(([x]) => x));
  const [y0, y1] = options.yRange ?? rangeOf(all.map(([, y]) => y));
  const px = (x: number): number =>
    inner.left + ((x - x0) / (x1 - x0 || 1)) * (width - inner.left - inner.right);
  const py = (y: number): number =>
    height - inner.bottom - ((y - y0) / (y1 - y0 || 1)) * (height - inner.top - inner.bottom);
  const at = (x: number, y: number): string => `${px(x).toFixed(1)},${py(y).toFixed(1)}`;
  const grid = ticks(y0, y1).map(
    (y) =>
      `<line class="grid" x1="${inner.left}" x2="${width - inner.right}" y1="${py(y)}" y2="${py(y)}"/>` +
      `<text x="${inner.left - 6}" y="${py(y) + 4}" text-anchor="end">${formatY(y)}</text>`,
  );
  const marks = ticks(x0, x1).map(
    (x) => `<text x="${px(x)}" y="${height - inner.bottom + 16}" text-anchor="middle">${formatX(x)}</text>`,
  );
  const lines = series.map(({ colour, points, band }) => {
    const path = points.map(([x, y]) => at(x, y)).join(" ");
    const edge =
      band === undefined
        ? ""
        : `<polygon points="${band.map(([x, low]) => at(x, low)).join(" ")} ${[...band]
            .reverse()
            .map(([x, , high]) => at(x, high))
            .join(" ")}" fill="${colour}" opacity="0.15"/>`;
    const dots = markPoints
      ? points.map(([x, y]) => `<circle cx="${px(x)}" cy="${py(y)}" r="3.5" fill="${colour}"/>`).join("")
      : "";
    return `${edge}<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"/>${dots}`;
  });
  // One nameless line needs no legend.
  const named = series.filter(({ name }) => name !== "");
  let left = inner.left;
  const legend = named.map(({ name, colour }) => {
    const entry = `<rect x="${left}" y="20" width="12" height="3" fill="${colour}"/><text x="${left + 16}" y="25">${escapeHtml(name)}</text>`;
    left += 28 + name.length * 6.2;
    return entry;
  });
  return (
    `<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">` +
    `<text class="title" x="${inner.left}" y="12">${escapeHtml(title)}</text>${legend.join("")}${grid.join("")}${marks.join("")}` +
    `<text x="${(inner.left + width - inner.right) / 2}" y="${height - 6}" text-anchor="middle">${escapeHtml(xLabel)}</text>${lines.join("")}</svg>`
  );
}

/** Text as it may stand in HTML. */
export function escapeHtml(text: string): string {
  return text.replace(
    /[&<>"]/g,
    (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]!,
  );
}

function rangeOf(values: readonly number[]): [number, number] {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as [number, number]);
}

/** Round numbers across a range, four to six of them. */
export function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5 || 1;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * magnitude).find((one) => one >= rough * 0.999)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function plainNumber(value: number): string {
  return Math.abs(value) >= 0.01 || value === 0
    ? String(Number(value.toPrecision(4)))
    : Number(value.toPrecision(2)).toExponential();
}

/** At most so many points: the means of equal stretches. */
export function averaged(points: readonly (readonly [number, number])[], most: number): [number, number][] {
  const size = Math.max(1, Math.ceil(points.length / most));
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const part = points.slice(i * size, (i + 1) * size);
    const mean = (of: 0 | 1): number => part.reduce((sum, point) => sum + point[of], 0) / part.length;
    return [mean(0), mean(1)];
  });
}
