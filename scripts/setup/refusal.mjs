/** @file A reason why set-up cannot go on, in one sentence that tells what to do. */
export class Refusal extends Error {}

/** @param {string} version e.g. `18.20.4` @param {number} needed the least major version */
export function requireNode(version, needed) {
  if (Number(version.split(".")[0]) >= needed) return;
  throw new Refusal(
    `this is Node ${version}, and Node ${needed} or newer is needed; install it from nodejs.org or your package manager and run the command again`,
  );
}
