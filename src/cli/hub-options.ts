/** @file How the hub is used, from the environment that Hugging Face's own tools read. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { DreamError } from "../errors.js";
import type { HubOptions } from "../hub/resolve-model.js";

/**
 * @param environment HF_TOKEN, HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE; what is not said is as Hugging Face has it
 * @throws DreamError `value` where HF_ENDPOINT is no address
 */
export function hubOptions(environment: NodeJS.ProcessEnv = process.env): HubOptions {
  const said = (name: string): string | null => environment[name]?.trim() || null;
  const home = said("HF_HOME") ?? join(said("XDG_CACHE_HOME") ?? join(homedir(), ".cache"), "huggingface");
  return {
    cacheFolder: said("HF_HUB_CACHE") ?? join(home, "hub"),
    endpoint: endpointOf(said("HF_ENDPOINT") ?? "https://huggingface.co"),
    token: said("HF_TOKEN") ?? tokenIn(join(home, "token")),
    offline: /^(?:1|on|yes|true)$/i.test(said("HF_HUB_OFFLINE") ?? ""),
  };
}

function endpointOf(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, "");
  throw new DreamError("value", {
    operation: "read HF_ENDPOINT",
    expected: "an address such as https://huggingface.co",
    got: JSON.stringify(text),
  });
}

/** Where `huggingface-cli login` leaves it. */
function tokenIn(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim() || null;
  } catch {
    return null;
  }
}
