/** @file Which pattern some brightnesses follow: found by how much of their variance the pattern's waves explain. */

/** A brightness at a place. */
export interface Spot {
  readonly x: number;
  readonly y: number;
  readonly value: number;
}

/** The spots' mean and deviation. */
export function momentsOf(spots: readonly Spot[]): { readonly mean: number; readonly deviation: number } {
  const mean = spots.reduce((sum, { value }) => sum + value, 0) / spots.length;
  const variance = spots.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / spots.length;
  return { mean, deviation: Math.sqrt(variance) };
}

/** Share of the variance that a wave of so many cycles for each unit of x and y explains, 0..1. */
export function waveShare(spots: readonly Spot[], cyclesX: number, cyclesY: number): number {
  const { mean, deviation } = momentsOf(spots);
  if (deviation === 0) return 0;
  let [cosine, sine] = [0, 0];
  for (const { x, y, value } of spots) {
    const phase = 2 * Math.PI * (cyclesX * x + cyclesY * y);
    cosine += (value - mean) * Math.cos(phase);
    sine += (value - mean) * Math.sin(phase);
  }
  return Math.min(1, (2 * (cosine ** 2 + sine ** 2)) / (spots.length * deviation) ** 2);
}

/** What stripes and dots of one pitch explain; dots have waves along both axes and both diagonals, stripes along one axis. */
export interface PatternShares {
  readonly stripes: number;
  readonly dots: number;
}

/** @param across in which direction stripes alternate @param turns to try, in radians */
export function patternShares(
  spots: readonly Spot[],
  pitches: readonly number[],
  across: "x" | "y",
  turns: readonly number[],
): PatternShares {
  let [stripes, dots] = [0, 0];
  for (const pitch of pitches) {
    const f = 1 / pitch;
    for (const turn of turns) {
      const [along, aside] = [f * Math.cos(turn), f * Math.sin(turn)];
      const share = across === "y" ? waveShare(spots, aside, along) : waveShare(spots, along, aside);
      stripes = Math.max(stripes, share);
    }
    const axes = [waveShare(spots, f, 0), waveShare(spots, 0, f)] as const;
    const diagonals = waveShare(spots, f, f) + waveShare(spots, f, -f);
    // Stripes too have one of the axes: only what both share counts for dots.
    dots = Math.max(dots, 2 * Math.min(...axes) + diagonals);
  }
  return { stripes, dots };
}

/** The spots without the plane that fits them best, and the share of the variance that the plane explains. */
export function withoutPlane(spots: readonly Spot[]): { readonly rest: Spot[]; readonly share: number } {
  const { mean, deviation } = momentsOf(spots);
  const [mx, my] = [average(spots, ({ x }) => x), average(spots, ({ y }) => y)];
  const xx = average(spots, ({ x }) => (x - mx) ** 2);
  const yy = average(spots, ({ y }) => (y - my) ** 2);
  const xy = average(spots, ({ x, y }) => (x - mx) * (y - my));
  const xv = average(spots, ({ x, value }) => (x - mx) * (value - mean));
  const yv = average(spots, ({ y, value }) => (y - my) * (value - mean));
  const determinant = xx * yy - xy ** 2;
  if (determinant === 0 || deviation === 0) return { rest: [...spots], share: 0 };
  const [a, b] = [(xv * yy - yv * xy) / determinant, (yv * xx - xv * xy) / determinant];
  const rest = spots.map(({ x, y, value }) => ({ x, y, value: value - a * (x - mx) - b * (y - my) }));
  return { rest, share: 1 - (momentsOf(rest).deviation / deviation) ** 2 };
}

function average(spots: readonly Spot[], of: (spot: Spot) => number): number {
  return spots.reduce((sum, spot) => sum + of(spot), 0) / spots.length;
}
