/** @file What a revision of a model holds: the hub's list of files with the hash of each. */
import { z } from "zod";
import { DreamError } from "../errors.js";
import { commitPattern } from "./names.js";
import { type HubAccess, request } from "./requests.js";

/** A file's content, by size and hash. Large files have a SHA-256, the others what git names them by. */
export interface HubContent {
  readonly sizeBytes: number;
  readonly hash: { readonly kind: "sha256" | "git"; readonly hex: string };
}

export interface Listing {
  readonly commit: string;
  readonly files: ReadonlyMap<string, HubContent>;
}

const maximumBytes = 64_000_000;

const size = z.int().min(0);
const answer = z.object({
  sha: z.string().regex(commitPattern),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: size.optional(),
      blobId: z.string().regex(commitPattern),
      lfs: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), size }).nullish(),
    }),
  ),
});

/** @throws DreamError `io` where the hub refuses, `format` where it answers with something else */
export async function listFiles(name: string, revision: string, access: HubAccess): Promise<Listing> {
  const operation = `look up ${name}`;
  const url = `${access.endpoint}/api/models/${name}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const response = await request(url, access, operation);
  const parsed = answer.safeParse(parseJson(await boundedText(response, operation)));
  if (!parsed.success)
    throw new DreamError("format", {
      operation,
      message: `${access.endpoint} answers with no list of files: ${z.prettifyError(parsed.error)}`,
      hint: "check HF_ENDPOINT",
      cause: parsed.error,
    });
  const { sha, siblings } = parsed.data;
  return {
    commit: sha,
    files: new Map(
      siblings.map(({ rfilename, size = 0, blobId, lfs }) => [
        rfilename,
        lfs
          ? { sizeBytes: lfs.size, hash: { kind: "sha256", hex: lfs.sha256 } }
          : { sizeBytes: size, hash: { kind: "git", hex: blobId } },
      ]),
    ),
  };
}

async function boundedText(response: Response, operation: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maximumBytes)
      throw new DreamError("format", { operation, expected: "at most 64 MB of file names", got: "more" });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
