/** @file Many clients of one server: each asks again as soon as it is answered, and looks at what it gets. */
import { decodePicture, type Picture } from "../src/formats/images.js";

/** What clients ask for, and what the right reply is. */
export interface LoadRequest {
  readonly body: Readonly<Record<string, unknown>>;
  readonly expected: Picture;
}

export interface LoadOptions {
  readonly clients: number;
  readonly seconds: number;
  readonly requests: readonly LoadRequest[];
  /** Share of the requests that are streams whose readers leave before the end. */
  readonly vanishing: number;
}

export interface LoadReport {
  /** Replies that each client had. */
  readonly replies: readonly number[];
  /** Of replies, in the order in which they came. */
  readonly milliseconds: readonly number[];
  readonly vanished: number;
  /** What was wrong, a sentence each. */
  readonly wrong: readonly string[];
  readonly seconds: number;
}

/** Bytes of a colour that drawing in another company may move. */
const tolerance = 2;

/** Asks for what a server answers alone, so that it is known what the right replies are. */
export async function expectedOf(
  address: string,
  bodies: readonly Readonly<Record<string, unknown>>[],
): Promise<LoadRequest[]> {
  const requests: LoadRequest[] = [];
  for (const body of bodies) {
    const reply = await draw(address, body);
    if (reply.status !== 200) throw new Error(`${reply.status}: ${await reply.text()}`);
    requests.push({ body, expected: await pictureIn(reply) });
  }
  return requests;
}

/** Clients that go on until their time is over, and wait for what they asked for last. */
export async function load(
  address: string,
  { clients, seconds, requests, vanishing }: LoadOptions,
): Promise<LoadReport> {
  const began = performance.now();
  const replies = Array<number>(clients).fill(0);
  const milliseconds: number[] = [];
  const wrong: string[] = [];
  let vanished = 0;
  const client = async (number: number): Promise<void> => {
    for (let turn = 0; performance.now() - began < 1000 * seconds; turn++) {
      const at = number + turn * clients;
      const { body, expected } = requests[at % requests.length]!;
      const asked = performance.now();
      try {
        if ((at * 0.618_034) % 1 < vanishing) {
          await vanish(address, body, at);
          vanished++;
          continue;
        }
        const reply = await draw(address, body);
        if (reply.status !== 200) throw new Error(`${reply.status}: ${await reply.text()}`);
        const apart = distance(await pictureIn(reply), expected);
        if (apart > tolerance) throw new Error(`a picture that is ${apart} away from the right one`);
        milliseconds.push(performance.now() - asked);
        replies[number]!++;
      } catch (error) {
        wrong.push(error instanceof Error ? `${error.message} ${String(error.cause ?? "")}` : String(error));
      }
    }
  };
  await Promise.all(replies.map((_, number) => client(number)));
  return { replies, milliseconds, vanished, wrong, seconds: (performance.now() - began) / 1000 };
}

/** @param share 0..1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

const draw = (address: string, body: unknown, signal?: AbortSignal): Promise<Response> =>
  fetch(`${address}/v1/images/generations`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });

/** Begins to watch a stream, and leaves: some at once, some after the first event. */
async function vanish(address: string, body: Readonly<Record<string, unknown>>, at: number): Promise<void> {
  const stop = new AbortController();
  const watched = draw(address, { ...body, stream: true, partial_images: 4 }, stop.signal);
  if (at % 2 === 0) setTimeout(() => stop.abort(), 5 + (at % 50));
  try {
    const reply = await watched;
    await reply.body!.getReader().read();
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  stop.abort();
}

async function pictureIn(reply: Response): Promise<Picture> {
  const { data } = (await reply.json()) as { data: { b64_json: string }[] };
  return decodePicture(Buffer.from(data[0]!.b64_json, "base64"), "a reply");
}

function distance(one: Picture, other: Picture): number {
  if (one.data.length !== other.data.length) return 255;
  return one.data.reduce((most, value, i) => Math.max(most, Math.abs(value - other.data[i]!)), 0);
}
