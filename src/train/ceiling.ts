/** @file How near a step comes to what the machine can multiply. */

/** What a step is measured by. */
export interface Ceiling {
  /** Operations a second that this process's matrix products reach at best, in the precision of training. */
  readonly flopsPerSecond: number;
  /** Operations of this process's part of a step. @param maskRatio the batch's, 0..1 */
  readonly stepFlops: (maskRatio: number) => number;
}

/** The share of the ceiling that a step reached, 0..1; null where none was measured. */
export function ceilingShare(ceiling: Ceiling | null, maskRatio: number, seconds: number): number | null {
  return ceiling === null ? null : ceiling.stepFlops(maskRatio) / seconds / ceiling.flopsPerSecond;
}
