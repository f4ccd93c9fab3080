/** @file The engine as a machine: its version, threads and devices. */
import { readFileSync } from "node:fs";
import { native } from "./native.js";
import type { Device } from "./tensor.js";

/** libtorch's version, e.g. `1.13.1`. */
export function engineVersion(): string {
  return native.version();
}

/** libtorch's own account of how it was built and what it runs on. */
export function engineConfiguration(): string {
  return `${native.configuration()}\n${native.parallelism()}`;
}

/** Threads that one operator may use. */
export function threadCount(): number {
  return native.threads();
}

/** How many threads an operator uses. */
export function setThreadCount(count: number): void {
  native.setThreads(count);
}

/** Whether a device multiplies bfloat16 in hardware; other processors take several times as long as for float32. */
export function hasFastBfloat16(device: Device): boolean {
  if (device !== "cpu") return true;
  try {
    return /\b(?:avx512_bf16|amx_bf16)\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return false;
  }
}

/** GPUs that this libtorch can use. */
export function cudaDeviceCount(): number {
  return native.cudaDevices();
}

/** Waits until a device has finished what it was given. */
export function synchronize(device: Device): void {
  native.synchronize(device);
}

/** Every operator schema whose name begins with `prefix`, as libtorch writes it. */
export function operatorSchemas(prefix = "aten::"): string[] {
  return native.schemas(prefix);
}
