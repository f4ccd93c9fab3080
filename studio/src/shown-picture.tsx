/** @file A picture of the server's, fetched as everything else is, with the token where one is asked for. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask, Refusal } from "./api.js";

interface ShownPictureProps {
  /** Its address at the server. */
  readonly source: string;
  readonly description: string;
}

export function ShownPicture({ source, description }: ShownPictureProps) {
  const shown = useSignal<string | null>(null);
  const problem = useSignal<string | null>(null);
  useEffect(() => {
    const left = new AbortController();
    shown.value = null;
    problem.value = null;
    let address: string | null = null;
    ask(pathOf(source), { signal: left.signal })
      .then((reply) => reply.blob())
      .then((blob) => {
        address = URL.createObjectURL(blob);
        shown.value = address;
      })
      .catch((error: unknown) => {
        if (left.signal.aborted) return;
        const isGone = error instanceof Refusal && error.status === 404;
        problem.value = isGone ? "not there any more" : "it could not be fetched";
      });
    return () => {
      left.abort();
      if (address !== null) URL.revokeObjectURL(address);
    };
  }, [source, shown, problem]);
  if (problem.value !== null) return <span class="missing">{problem.value}</span>;
  return shown.value === null ? <span class="coming" /> : <img src={shown.value} alt={description} />;
}

/** An address of the server's, as this page asks for it, whatever name the server goes by there. */
export const pathOf = (address: string): string => {
  const { pathname, search } = new URL(address, location.origin);
  return pathname + search;
};

/** A picture as the server sends it in JSON. */
export const pngOf = (base64: string): string => `data:image/png;base64,${base64}`;

/** The bytes of a picture, as JSON can carry them. */
export async function base64Of(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000)
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
