/** @file Errors on their way between threads: a DreamError arrives as one. */
import { DreamError, type DreamErrorCode, type DreamErrorDetails } from "../errors.js";

/** An error as bytes that a thread can send. */
export type TravellingError =
  | {
      readonly kind: "dream";
      readonly code: DreamErrorCode;
      readonly details: DreamErrorDetails;
      readonly sentence: string;
    }
  | { readonly kind: "internal"; readonly message: string; readonly stack: string };

export function packError(error: unknown): TravellingError {
  if (error instanceof DreamError) {
    const { code, operation, expected, got, hint, message } = error;
    const said = { operation, expected, got, hint };
    const details = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
    return { kind: "dream", code, details: details as unknown as DreamErrorDetails, sentence: message };
  }
  const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  return { kind: "internal", message, stack };
}

export function unpackError(error: TravellingError): Error {
  if (error.kind === "internal") return Object.assign(new Error(error.message), { stack: error.stack });
  const unpacked = new DreamError(error.code, error.details);
  unpacked.message = error.sentence;
  return unpacked;
}
