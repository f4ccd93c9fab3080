/** @file The public map of the package. */
export { DreamError, type DreamErrorCode } from "./errors.js";
