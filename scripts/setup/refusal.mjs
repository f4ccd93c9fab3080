/** @file A reason why set-up cannot go on, in one sentence that tells what to do. */
export class Refusal extends Error {}

/** @param {string} version e.g. `18.20.4` @param {string} needed e.g. `20.19` */
export function requireNode(version, needed) {
  const [[major, minor], [neededMajor, neededMinor]] = [version, needed].map((one) =>
    one.split(".").map(Number),
  );
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return;
  throw new Refusal(
    `this is Node ${version}, and Node ${needed} or newer is needed; install it from nodejs.org or your package manager and run the command again`,
  );
}
