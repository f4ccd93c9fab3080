/** @file Requests to the hub, and what its refusals mean to a person. */
import { DreamError } from "../errors.js";

/** A server, and who asks it. */
export interface HubAccess {
  /** Without a slash at its end, e.g. `https://huggingface.co`. */
  readonly endpoint: string;
  /** null asks as nobody. */
  readonly token: string | null;
}

/**
 * Asks for something.
 * @param operation what is being done, for errors
 * @returns a response whose status is among the ones accepted
 * @throws DreamError `io` where the server cannot be reached or refuses
 */
export async function request(
  url: string,
  { endpoint, token }: HubAccess,
  operation: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  let response: Response;
  try {
    // Where the hub hands on to another host, fetch leaves the authorisation behind.
    const authorisation: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    response = await fetch(url, { headers: { "accept-encoding": "identity", ...authorisation, ...headers } });
  } catch (cause) {
    throw unreachable(operation, endpoint, cause);
  }
  if (response.ok) return response;
  await response.body?.cancel();
  throw refusal(operation, response, { endpoint, token });
}

/** A connection that fails, at its beginning or on its way. */
export function unreachable(operation: string, endpoint: string, cause: unknown): DreamError {
  const { message, cause: deeper } = cause as Error;
  return new DreamError("io", {
    operation,
    message: deeper instanceof Error && deeper.message !== "" ? deeper.message : message,
    hint: `check the connection to ${endpoint} (HF_ENDPOINT names another server) and run this again: it goes on where it stopped`,
    cause,
  });
}

function refusal(operation: string, { status, statusText }: Response, access: HubAccess): DreamError {
  return new DreamError("io", {
    operation,
    got: `${status} ${statusText} from ${access.endpoint}`,
    hint: adviceOn(status, access),
  });
}

function adviceOn(status: number, { endpoint, token }: HubAccess): string {
  switch (status) {
    case 401:
    case 403:
      return token === null
        ? `the model is private, asks for consent or does not exist: set HF_TOKEN to a token from ${endpoint}/settings/tokens`
        : "the token in HF_TOKEN may not read it: accept the model's terms on its page, or use another token";
    case 404:
      return "check the model's name and its revision";
    case 429:
      return "the server asks for patience: run this again in some minutes";
    default:
      return "run this again later: it goes on where it stopped";
  }
}
