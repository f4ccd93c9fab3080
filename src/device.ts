/** @file Where to compute, by name: auto, cpu, cuda or cuda:1. */
import { DreamError } from "./errors.js";
import { cudaDeviceCount, type Device } from "./tensor/index.js";

/** The kind that a name means here. @throws DreamError `usage` where there is none such */
export function deviceKind(name: string): "cpu" | "cuda" {
  if (name === "cpu") return "cpu";
  if (name === "auto") return cudaDeviceCount() > 0 ? "cuda" : "cpu";
  const count = cudaDeviceCount();
  const number = /^cuda(?::(\d+))?$/.exec(name);
  if (number !== null && Number(number[1] ?? 0) < count) return "cuda";
  throw new DreamError("usage", {
    operation: "choose a device",
    expected: ["auto", "cpu", ...Array.from({ length: count }, (_, i) => `cuda:${i}`)].join(", "),
    got: name,
    hint: "`dream doctor` lists the devices that this libtorch sees",
  });
}

/** The device of a process. @param localRank its number among a team's on this machine, whose GPU is its own; null alone */
export function deviceFor(name: string, localRank: number | null): Device {
  if (deviceKind(name) === "cpu") return "cpu";
  if (localRank !== null) return `cuda:${localRank}`;
  return name.startsWith("cuda:") ? name : "cuda:0";
}
