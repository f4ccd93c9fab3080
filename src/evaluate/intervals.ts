/** @file How sure a measured rate is: 95% intervals of a share, and of the mean of paired differences. */

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95% of the normal distribution. */
const z = 1.959963984540054;

/** Of at least one number. */
export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Wilson's interval of a share. @param hits of `count` independent trials */
export function shareInterval(hits: number, count: number): Interval {
  if (count === 0) return { low: 0, high: 1 };
  const share = hits / count;
  const spread = z ** 2 / count;
  const centre = (share + spread / 2) / (1 + spread);
  const half = (z / (1 + spread)) * Math.sqrt((share * (1 - share)) / count + spread / (4 * count));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

export interface PairedDifference extends Interval {
  readonly mean: number;
}

/** The mean of b - a over pairs, at least two, with the interval that the pairs' own spread gives. */
export function pairedDifference(a: readonly number[], b: readonly number[]): PairedDifference {
  const differences = a.map((value, i) => b[i]! - value);
  const count = differences.length;
  const mean = meanOf(differences);
  const variance = differences.reduce((sum, one) => sum + (one - mean) ** 2, 0) / Math.max(1, count - 1);
  const half = z * Math.sqrt(variance / count);
  return { mean, low: mean - half, high: mean + half };
}

/** Two-sided 95% of Student's t by degrees of freedom, 1 to 10. */
const studentT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228] as const;

/** The mean's interval from the spread of a few repetitions. @param values at least two */
export function seedInterval(values: readonly number[]): Interval {
  const count = values.length;
  const mean = meanOf(values);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const half = (studentT[count - 2] ?? z) * Math.sqrt(variance / count);
  return { low: mean - half, high: mean + half };
}

/** The interval of a mean of independent numbers. @param values at least two */
export function meanInterval(values: readonly number[]): Interval & { readonly mean: number } {
  return pairedDifference(
    values.map(() => 0),
    values,
  );
}
