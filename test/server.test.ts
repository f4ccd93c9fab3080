import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import OpenAI, { toFile } from "openai";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodePicture, encodePng } from "../src/formats/images.js";
import { PictureGallery } from "../src/picture-gallery.js";
import { PictureIndex } from "../src/search/picture-index.js";
import type { Job } from "../src/server/job-protocol.js";
import type { Gallery, Studio } from "../src/server/studio-protocol.js";
import { ask, post, type Reply, type Served, sentenceOf, served } from "./served.js";

const prompt = "a large red circle in the centre on a plain background";

let own: Served;
let client: OpenAI;

beforeAll(async () => {
  own = await served();
  client = new OpenAI({ baseURL: `${own.address}/v1`, apiKey: "none", maxRetries: 0 });
});

afterAll(() => own.end());

const bytesOf = (base64: string | undefined): Uint8Array => Buffer.from(base64 ?? "", "base64");

/** An event of a stream of server-sent events. */
interface Event {
  readonly event: string;
  readonly data: Record<string, unknown>;
}

const eventsIn = (text: string): Event[] =>
  text
    .split("\n\n")
    .filter((part) => part !== "")
    .map((part) => {
      const [, event = "", data = ""] = /^event: (\S+)\ndata: (.*)$/m.exec(part) ?? [];
      return { event, data: JSON.parse(data) as Record<string, unknown> };
    });

describe("OpenAI's own client", () => {
  it("lists the model, and has it by its name", async () => {
    const listed = [];
    for await (const model of client.models.list()) listed.push(model.id);
    expect(listed).toEqual(["loud"]);
    expect(await client.models.retrieve("loud")).toMatchObject({ object: "model", owned_by: "dream" });
    await expect(client.models.retrieve("other")).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    });
  });

  it("draws: PNGs of the model's size, the same for the same seed, as the library draws them", async () => {
    const ours = { seed: 7, candidates: 3 };
    const { data, size } = await client.images.generate({ model: "loud", prompt, n: 2, ...ours } as never);
    expect(size).toBe("32x32");
    const pictures = await Promise.all(
      data!.map(({ b64_json }) => decodePicture(bytesOf(b64_json), "reply")),
    );
    expect(pictures).toHaveLength(2);
    const drawn = [];
    for await (const event of own.dream.generate({ prompt, count: 2, ...ours }))
      if (event.type === "picture") drawn.push(event.picture);
    for (const [i, { data: pixels }] of pictures.entries())
      expect(pixels).toEqual(Buffer.from(drawn[i]!.data));
    expect(data![0]).toMatchObject({ seed: 7 });
    expect((data![0] as unknown as { candidate_scores: number[] }).candidate_scores).toHaveLength(3);
  });

  it("is given an address where it asks for one, in the format that it asks for", async () => {
    const { data } = await client.images.generate({ prompt, response_format: "url", output_format: "webp" });
    const reply = await fetch(data![0]!.url!);
    expect(reply.headers.get("content-type")).toBe("image/webp");
    const { width } = await decodePicture(new Uint8Array(await reply.arrayBuffer()), "reply");
    expect(width).toBe(32);
  });

  it("watches a picture come", async () => {
    const stream = await client.images.generate({ prompt, stream: true, partial_images: 2 });
    const types: string[] = [];
    for await (const event of stream) {
      types.push(event.type);
      expect((await decodePicture(bytesOf(event.b64_json), "event")).width).toBe(32);
    }
    const partial = "image_generation.partial_image";
    expect(types).toEqual([partial, partial, "image_generation.completed"]);
  });

  it("edits: what is not marked stays", async () => {
    const white = { width: 32, height: 32, data: new Uint8Array(32 * 32 * 3).fill(200) };
    const data = new Uint8Array(white.data.length);
    data.fill(255, 0, data.length / 2);
    const png = async (picture: typeof white, name: string) =>
      toFile(Buffer.from(await encodePng(picture)), name, { type: "image/png" });
    const edited = await client.images.edit({
      image: await png(white, "image.png"),
      mask: await png({ ...white, data }, "mask.png"),
      prompt,
      ...({ seed: 3 } as object),
    });
    const { data: pixels } = await decodePicture(bytesOf(edited.data![0]!.b64_json), "reply");
    const away = (part: Uint8Array): number =>
      part.reduce((sum, value) => sum + Math.abs(value - 200), 0) / part.length;
    expect(away(pixels.subarray(pixels.length / 2))).toBeLessThan(12);
    expect(away(pixels.subarray(0, pixels.length / 2))).toBeGreaterThan(20);
  });

  it("embeds sentences and pictures as the library does", async () => {
    const texts = ["a red circle", "a blue square"];
    const { data, usage } = await client.embeddings.create({ model: "loud", input: texts });
    const expected = await own.dream.embedText(texts);
    for (const [i, { embedding }] of data.entries())
      for (const [j, value] of embedding.entries()) expect(value).toBeCloseTo(expected[i]![j]!, 6);
    expect(usage.prompt_tokens).toBe(6);
    const png = await encodePng({ width: 32, height: 32, data: new Uint8Array(32 * 32 * 3).fill(90) });
    const image = `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
    const mixed = await post(own.address, "/v1/embeddings", { input: [{ image }, texts[1]] });
    const { data: both } = JSON.parse(mixed.text) as { data: { embedding: number[] }[] };
    const [seen] = await own.dream.embedImage([png]);
    for (const [j, value] of both[0]!.embedding.entries()) expect(value).toBeCloseTo(seen![j]!, 6);
    for (const [j, value] of both[1]!.embedding.entries()) expect(value).toBeCloseTo(expected[1]![j]!, 6);
  });
});

describe("jobs", () => {
  it("are followed to their end, and give what a request gives", async () => {
    const begun = await post(own.address, "/v1/jobs", {
      prompt,
      seed: 4,
      partial_images: 2,
      candidates: 3,
      steps: 200,
    });
    expect(begun.status).toBe(202);
    const { id } = JSON.parse(begun.text) as { id: string };
    const events = eventsIn((await ask(own.address, `/v1/jobs/${id}/events`)).text);
    const kinds = new Set(events.map(({ event }) => event));
    expect([...kinds].sort()).toEqual(["choice", "end", "step"]);
    const choice = events.find(({ event }) => event === "choice")!.data as { candidates: unknown[][] };
    expect(choice.candidates[0]).toHaveLength(3);
    const job = JSON.parse((await ask(own.address, `/v1/jobs/${id}`)).text);
    expect(job).toMatchObject({ status: "succeeded", error: null });
    const direct = await post(own.address, "/v1/images/generations", {
      prompt,
      seed: 4,
      candidates: 3,
      steps: 200,
    });
    expect(job.result.data).toEqual(JSON.parse(direct.text).data);
    // Who comes late is told the end.
    const late = eventsIn((await ask(own.address, `/v1/jobs/${id}/events`)).text);
    expect(late.map(({ event }) => event)).toEqual(["end"]);
  });

  it("show what is still to be drawn, and tell a follower who comes late of the choice", async () => {
    const slow = { steps: 64, diffusion_steps: { first: 200, last: 200 } };
    const asked = { prompt, seed: 4, partial_images: 4, candidates: 3, ...slow };
    const { text } = await post(own.address, "/v1/jobs", asked);
    const { id } = JSON.parse(text) as { id: string };
    const state = async () => JSON.parse((await ask(own.address, `/v1/jobs/${id}`)).text);
    await expect
      .poll(async () => (await state()).progress?.done ?? 0, { timeout: 30_000 })
      .toBeGreaterThan(20);
    const late = eventsIn((await ask(own.address, `/v1/jobs/${id}/events`)).text);
    expect(late[0]!.event).toBe("choice");
    const open = late.flatMap(({ data }) =>
      ((data.previews ?? []) as { hidden: number[] }[]).map(({ hidden }) => hidden.length),
    );
    expect(open.length).toBeGreaterThanOrEqual(2);
    expect(open).toEqual([...open].sort((a, b) => b - a));
    expect(open[0]).toBeLessThan(64);
  });

  it("draw a part of a picture anew", async () => {
    const form = async (): Promise<FormData> => {
      const [image, mask] = await Promise.all(
        [90, 255].map((value) =>
          encodePng({ width: 32, height: 32, data: new Uint8Array(3072).fill(value) }),
        ),
      );
      const body = new FormData();
      for (const [name, value] of Object.entries({
        prompt,
        seed: "3",
        diffusion_steps: '{"first":4,"last":2}',
      }))
        body.set(name, value);
      body.set("image", new File([new Uint8Array(image!)], "image.png"));
      body.set("mask", new File([new Uint8Array(mask!)], "mask.png"));
      return body;
    };
    const begun = await fetch(`${own.address}/v1/jobs/edits`, { method: "POST", body: await form() });
    expect(begun.status).toBe(202);
    const { id } = (await begun.json()) as { id: string };
    const [end] = eventsIn((await ask(own.address, `/v1/jobs/${id}/events`)).text).slice(-1);
    const direct = await fetch(`${own.address}/v1/images/edits`, { method: "POST", body: await form() });
    expect((end!.data.result as { data: unknown }).data).toEqual(
      ((await direct.json()) as { data: unknown }).data,
    );
  });

  it("that are done only while they are followed end without a follower", async () => {
    const lonely = await served({ followerMs: 300 });
    const long = {
      prompt,
      candidates: 20,
      diffusion_steps: { first: 1000, last: 1000 },
      while_followed: true,
    };
    const begin = async (): Promise<string> =>
      (JSON.parse((await post(lonely.address, "/v1/jobs", long)).text) as { id: string }).id;
    const status = async (id: string): Promise<string> =>
      JSON.parse((await ask(lonely.address, `/v1/jobs/${id}`)).text).status;
    const [alone, followed] = [await begin(), await begin()];
    const leave = new AbortController();
    const events = await fetch(`${lonely.address}/v1/jobs/${followed}/events`, { signal: leave.signal });
    await expect.poll(() => status(alone)).toBe("cancelled");
    expect(["queued", "running"]).toContain(await status(followed));
    leave.abort();
    await events.text().catch(() => "");
    await expect.poll(() => status(followed)).toBe("cancelled");
    await expect.poll(async () => (await lonely.dream.statistics()).underWay).toBe(0);
    await lonely.end();
  });

  it("are called off", async () => {
    const { cancelled } = await own.dream.statistics();
    const { text } = await post(own.address, "/v1/jobs", { prompt, candidates: 5, steps: 2000 });
    const { id } = JSON.parse(text) as { id: string };
    const gone = await ask(own.address, `/v1/jobs/${id}`, { method: "DELETE" });
    expect(JSON.parse(gone.text)).toMatchObject({ status: "cancelled" });
    expect((await own.dream.statistics()).cancelled).toBe(cancelled + 1);
    expect((await ask(own.address, "/v1/jobs/none")).status).toBe(404);
  });

  it("tell why they failed", async () => {
    const { text } = await post(own.address, "/v1/jobs", { prompt: "circle ".repeat(60) });
    const { id } = JSON.parse(text) as { id: string };
    const [end] = eventsIn((await ask(own.address, `/v1/jobs/${id}/events`)).text).slice(-1);
    expect(end!.data).toMatchObject({ status: "failed", error: { type: "invalid_request_error" } });
  });
});

describe("refusals", () => {
  const refused = async (reply: Promise<Reply>): Promise<readonly [number, string]> => {
    const got = await reply;
    return [got.status, sentenceOf(got)];
  };
  const draw = (body: unknown): Promise<readonly [number, string]> =>
    refused(post(own.address, "/v1/images/generations", body));

  it("name the parameter and say what was expected", async () => {
    expect(await draw({ prompt: "" })).toEqual([400, expect.stringContaining("prompt")]);
    expect(await draw({ prompt: "a\u0007b" })).toEqual([400, expect.stringContaining("control characters")]);
    expect(await draw({ prompt, n: 11 })).toEqual([400, expect.stringContaining("n:")]);
    expect(await draw({ prompt, style: "vivid" })).toEqual([400, "style: there is no such parameter"]);
    expect(await draw({ prompt, size: "1024x1024" })).toEqual([400, "this model draws 32x32, got 1024x1024"]);
    expect(await draw({ prompt, select_at: 0.5, candidates: 1 })).toEqual([
      400,
      expect.stringContaining("select_at"),
    ]);
    expect(await draw({ prompt, partial_images: 1 })).toEqual([400, expect.stringContaining("stream")]);
    expect(await draw({ prompt, stream: true, n: 2 })).toEqual([400, expect.stringContaining("n 2")]);
    expect(await draw({ prompt: "circle ".repeat(60) })).toEqual([400, expect.stringContaining("at most")]);
    expect(await draw({ prompt, quality: "low", preset: "fast" })).toEqual([
      400,
      expect.stringContaining("quality"),
    ]);
    expect(await draw([])).toEqual([400, expect.any(String)]);
  });

  it("are of addresses, names, origins and bodies that nobody sends in good faith", async () => {
    const { address } = own;
    for (const path of [
      "/v1/../../etc/passwd",
      "/v1/images/files/..%2f..%2fetc%2fpasswd",
      "/%00",
      "/v1/models/../x",
      "//",
      "/v1/jobs/%2e%2e",
    ])
      expect((await ask(address, path)).status, path).toBe(404);
    expect((await ask(address, "/v1/models", { headers: { host: "evil.example" } })).status).toBe(421);
    expect((await ask(address, "/v1/models", { headers: { host: "localhost:1" } })).status).toBe(200);
    expect((await ask(address, "/v1/models", { headers: { host: "LOCALHOST" } })).status).toBe(200);
    expect((await ask(address, "/v1/models", { headers: { origin: "http://evil.example" } })).status).toBe(
      403,
    );
    expect((await ask(address, "/v1/models", { headers: { origin: "null" } })).status).toBe(403);
    const json = { "content-type": "application/json" };
    const path = "/v1/images/generations";
    expect((await ask(address, path, { method: "POST", headers: json, body: "{" })).status).toBe(400);
    expect(
      (await ask(address, path, { method: "POST", headers: { "content-type": "text/plain" }, body: "{}" }))
        .status,
    ).toBe(415);
    expect((await ask(address, path, { method: "DELETE" })).status).toBe(404);
  });

  it("come before a large body is read, told beforehand or not", async () => {
    const announced = await new Promise<string>((resolve, reject) => {
      const { hostname, port } = new URL(own.address);
      const socket = connect(Number(port), hostname, () =>
        socket.write(
          "POST /v1/images/generations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 10737418240\r\n\r\n{",
        ),
      );
      let text = "";
      socket.on("data", (data) => {
        text += String(data);
        if (text.includes("}}")) socket.destroy();
      });
      socket.on("close", () => resolve(text));
      socket.on("error", reject);
    });
    expect(announced).toMatch(/^HTTP\/1\.1 413/);
    const small = await served({ bodyBytes: 100_000 });
    const body = JSON.stringify({ prompt: "x".repeat(200_000) });
    const chunked = await ask(small.address, "/v1/images/generations", {
      method: "POST",
      headers: { "content-type": "application/json", "transfer-encoding": "chunked" },
      body,
    });
    expect([chunked.status, sentenceOf(chunked)]).toEqual([413, expect.stringContaining("100000 bytes")]);
    await small.end();
  });

  it("come before pictures of many pixels are decoded, and for bytes that are none", async () => {
    const huge = await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: "white" } })
      .png()
      .toBuffer();
    const embedded = (bytes: Uint8Array) =>
      refused(
        post(own.address, "/v1/embeddings", { input: { image: Buffer.from(bytes).toString("base64") } }),
      );
    const began = performance.now();
    expect(await embedded(huge)).toEqual([400, expect.stringContaining("10000 x 10000 pixels")]);
    expect(performance.now() - began).toBeLessThan(2000);
    expect(await embedded(huge.subarray(0, 1000))).toEqual([400, expect.any(String)]);
    expect(await embedded(Buffer.from("no picture at all"))).toEqual([
      400,
      expect.stringContaining("no picture"),
    ]);
    const address = { image: "http://127.0.0.1/secret.png" };
    expect(await refused(post(own.address, "/v1/embeddings", { input: address }))).toEqual([
      400,
      expect.stringContaining("never fetched"),
    ]);
    const mask = await toFile(huge, "mask.png", { type: "image/png" });
    await expect(client.images.edit({ image: mask, mask, prompt })).rejects.toMatchObject({ status: 400 });
  });

  it("are of bodies that arrive too slowly", async () => {
    const hasty = await served({ headersMs: 500, arrivalMs: 1000 });
    const { hostname, port } = new URL(hasty.address);
    const text = await new Promise<string>((resolve) => {
      let all = "";
      const socket = connect(Number(port), hostname, () =>
        socket.write(
          "POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
        ),
      );
      const slow = setInterval(() => socket.write(" "), 200);
      socket.on("data", (data) => {
        all += String(data);
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        clearInterval(slow);
        resolve(all);
      });
    });
    expect(text).toMatch(/^HTTP\/1\.1 408/);
    expect((await ask(hasty.address, "/healthz")).status).toBe(200);
    await hasty.end();
  });

  it("never fail inside, whatever is sent", async () => {
    const values = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double(),
      fc.constant(null),
      fc.array(fc.string(), { maxLength: 3 }),
      fc.boolean(),
      fc.constantFrom("fast", "b64_json", "__proto__", "constructor", "\u0000", "\ud800", "a".repeat(5000)),
    );
    const names = fc.constantFrom(
      ...[
        "prompt",
        "n",
        "size",
        "seed",
        "candidates",
        "selection",
        "select_at",
        "preset",
        "steps",
        "sampler",
        "guidance_scale",
      ],
      ...[
        "negative_prompt",
        "quality",
        "model",
        "input",
        "dimensions",
        "__proto__",
        "toString",
        "encoding_format",
        "separation",
      ],
    );
    const bodies = fc.oneof(
      fc
        .dictionary(names, values)
        .map((fields) => JSON.stringify({ prompt: "a red circle", steps: 4, ...fields })),
      fc.json(),
      fc.string(),
      fc.uint8Array({ maxLength: 200 }),
    );
    const paths = fc.constantFrom("/v1/images/generations", "/v1/embeddings", "/v1/jobs", "/v1/images/edits");
    const headers = fc.record(
      {
        "content-type": fc.constantFrom(
          "application/json",
          "multipart/form-data; boundary=x",
          "text/plain",
          "application/json; charset=ascii",
          ";",
        ),
        accept: fc.constantFrom("*/*", "text/event-stream", ""),
        authorization: fc.constantFrom("Bearer", "Bearer  x", "Basic eA==", "Bearer \u00e9"),
        "x-long": fc.constant("y".repeat(8000)),
        cookie: fc.constantFrom("a=b", ";;;="),
      },
      { requiredKeys: ["content-type"] },
    );
    await fc.assert(
      fc.asyncProperty(paths, headers, bodies, async (path, fields, body) => {
        const { status } = await ask(own.address, path, { method: "POST", headers: fields, body });
        expect(status).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
    expect(own.log).toEqual([]);
    expect((await ask(own.address, "/healthz")).status).toBe(200);
  });
});

describe("bounds", () => {
  const long = { prompt, candidates: 5, steps: 3000, diffusion_steps: { first: 1000, last: 1000 } };

  it("hold how many wait, and say when to come again", async () => {
    const narrow = await served({ requests: 2 });
    const { cancelled } = await narrow.dream.statistics();
    const stop = new AbortController();
    const waiting = [1, 2].map((seed) =>
      fetch(`${narrow.address}/v1/images/generations`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...long, seed }),
        signal: stop.signal,
      }).catch(() => null),
    );
    await expect.poll(async () => (await narrow.dream.statistics()).underWay).toBe(2);
    const third = await post(narrow.address, "/v1/images/generations", { prompt });
    expect([third.status, Number(third.headers["retry-after"])]).toEqual([429, expect.any(Number)]);
    expect(Number(third.headers["retry-after"])).toBeGreaterThan(0);
    // Who leaves makes room, and its work stops.
    stop.abort();
    await Promise.all(waiting);
    await expect.poll(async () => (await narrow.dream.statistics()).cancelled).toBe(cancelled + 2);
    expect((await post(narrow.address, "/v1/images/generations", { prompt })).status).toBe(200);
    await narrow.end();
  });

  it("hold how long a request works", async () => {
    const hasty = await served({ timeoutMs: 300 });
    const late = await post(hasty.address, "/v1/images/generations", long);
    expect([late.status, sentenceOf(late)]).toEqual([504, expect.stringContaining("0.3 s")]);
    expect((await hasty.dream.statistics()).underWay).toBe(0);
    await hasty.end();
  });

  it("end streams whose readers have left", async () => {
    const { cancelled } = await own.dream.statistics();
    const stop = new AbortController();
    const reply = await fetch(`${own.address}/v1/images/generations`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...long, stream: true, partial_images: 16 }),
      signal: stop.signal,
    });
    await reply.body!.getReader().read();
    stop.abort();
    await expect.poll(async () => (await own.dream.statistics()).cancelled).toBe(cancelled + 1);
    expect((await own.dream.statistics()).underWay).toBe(0);
  });

  it("let what is under way end before the server does, and take on nothing more", async () => {
    const ending = await served();
    const drawn = post(ending.address, "/v1/images/generations", { prompt, candidates: 5, steps: 500 });
    await expect.poll(async () => (await ending.dream.statistics()).underWay).toBe(1);
    const closed = ending.serving.close(20_000);
    expect((await ask(ending.address, "/readyz")).status).toBe(503);
    expect((await ask(ending.address, "/healthz")).status).toBe(200);
    const refused = await post(ending.address, "/v1/images/generations", { prompt });
    expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "30"]);
    expect((await drawn).status).toBe(200);
    expect(await closed).toBe(true);
    await ending.dream.dispose();
  });
});

describe("search", () => {
  it("finds pictures of the index as the index does, and gives them and nothing else", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dream-search-"));
    for (let i = 0; i < 12; i++)
      writeFileSync(
        join(folder, `${i}.png`),
        await encodePng({
          width: 32,
          height: 32,
          data: new Uint8Array(3072).map((_, at) => (at * i * 7) % 256),
        }),
      );
    const index = await PictureIndex.open(join(folder, "index"), own.dream, "loud");
    await index.update(folder);
    const searched = await served({}, { index });
    const ask3 = (body: unknown) => post(searched.address, "/v1/search", body);
    const { data } = JSON.parse((await ask3({ text: "a red circle", count: 3 })).text);
    const expected = await index.search({ text: "a red circle" }, 3);
    expect(data.map(({ path }: { path: string }) => path)).toEqual(expected.map(({ path }) => path));
    const file = await fetch(data[0].url);
    expect(file.headers.get("content-type")).toBe("image/png");
    const bytes = Buffer.from(await file.arrayBuffer());
    expect(bytes).toEqual(readFileSync(expected[0]!.path));
    const like = JSON.parse((await ask3({ image: bytes.toString("base64"), count: 1 })).text);
    expect(like.data[0].path).toBe(expected[0]!.path);
    const outside = Buffer.from("/etc/passwd").toString("base64url");
    expect((await ask(searched.address, `/v1/search/pictures/${outside}`)).status).toBe(404);
    expect((await ask3({})).status).toBe(400);
    expect((await post(own.address, "/v1/search", { text: "a" })).status).toBe(404);
    await searched.end();
    await index.close();
  });
});

describe("the gallery", () => {
  it("keeps what jobs draw, with the request that draws it again", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dream-kept-"));
    const gallery = await PictureGallery.open(folder);
    const keeping = await served({}, { gallery });
    const draw = async (more: object): Promise<Job> => {
      const { text } = await post(keeping.address, "/v1/jobs", { prompt, keep: true, ...more });
      const { id } = JSON.parse(text) as { id: string };
      const [end] = eventsIn((await ask(keeping.address, `/v1/jobs/${id}/events`)).text).slice(-1);
      return end!.data as Job;
    };
    const { result } = await draw({ seed: 9, candidates: 3, guidance_scale: 2 });
    const { data } = JSON.parse((await ask(keeping.address, "/v1/gallery")).text) as Gallery;
    expect(data.map(({ id }) => id)).toEqual([result!.data[0]!.gallery_id]);
    const [{ url, record }] = data as [Gallery["data"][number]];
    expect(record!.settings).toMatchObject({ prompt, seed: 9, candidates: 3, guidance_scale: 2 });
    const png = new Uint8Array(await (await fetch(url)).arrayBuffer());
    const image = Buffer.from(png).toString("base64");
    const read = await post(keeping.address, "/v1/records", { image });
    expect(JSON.parse(read.text)).toEqual(record);
    const again = await post(keeping.address, "/v1/images/generations", record!.settings);
    expect(await decodePicture(bytesOf(JSON.parse(again.text).data[0].b64_json), "again")).toEqual(
      await decodePicture(png, "kept"),
    );
    const foreign = await post(keeping.address, "/v1/records", {
      image: Buffer.from(await encodePng({ width: 1, height: 1, data: new Uint8Array(3) })).toString(
        "base64",
      ),
    });
    expect([foreign.status, sentenceOf(foreign)]).toEqual([400, expect.stringContaining("was drawn here")]);
    expect((await ask(keeping.address, new URL(url).pathname, { method: "DELETE" })).status).toBe(204);
    expect((await ask(keeping.address, new URL(url).pathname)).status).toBe(404);
    expect((await ask(keeping.address, "/v1/gallery/..%2f..%2fetc%2fpasswd")).status).toBe(404);
    // A folder that is gone: what is drawn is given all the same, and why it is not kept is told.
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "");
    const lost = await draw({ seed: 9 });
    expect(lost).toMatchObject({ status: "succeeded", error: { message: expect.stringContaining(folder) } });
    expect(lost.result!.data[0]!.b64_json).toBeDefined();
    await keeping.end();
  });

  it("is refused where the server has none", async () => {
    const refused = await post(own.address, "/v1/jobs", { prompt, keep: true });
    expect([refused.status, sentenceOf(refused)]).toEqual([400, expect.stringContaining("--gallery")]);
    expect((await ask(own.address, "/v1/gallery")).status).toBe(404);
    expect((await ask(own.address, "/v1/runs")).status).toBe(404);
  });
});

describe("the studio", () => {
  it("is a page and its files, compressed where that is understood, open also where a token is asked for", async () => {
    const guarded = await served({}, { token: "a-good-token" });
    const page = await ask(guarded.address, "/");
    expect(page.headers["content-type"]).toMatch("text/html");
    const [, script] = /src="(\/studio\/[^"]+\.js)"/.exec(page.text)!;
    const [plain, small] = await Promise.all([
      ask(guarded.address, script!),
      ask(guarded.address, script!, { headers: { "accept-encoding": "gzip" } }),
    ]);
    expect(small.headers["content-encoding"]).toBe("gzip");
    expect(Number(small.headers["content-length"])).toBeLessThan(
      0.6 * Number(plain.headers["content-length"]),
    );
    expect((await ask(guarded.address, "/studio/none.js")).status).toBe(404);
    expect((await ask(guarded.address, "/studio/..%2findex.js")).status).toBe(404);
    expect((await ask(guarded.address, "/v1/studio")).status).toBe(401);
    await guarded.end();
    const told = JSON.parse((await ask(own.address, "/v1/studio")).text) as Studio;
    expect(told).toMatchObject({ captions: true, gallery: false, runs: false, index: null });
    expect(told.drawing.candidates).toBe(own.dream.info.drawing.candidates);
  });
});

describe("a token", () => {
  it("is asked for everywhere but where nothing is told", async () => {
    const guarded = await served({}, { token: "a-good-token" });
    const models = (authorization?: string) =>
      ask(guarded.address, "/v1/models", authorization === undefined ? {} : { headers: { authorization } });
    expect((await models()).status).toBe(401);
    for (const wrong of [
      "Bearer a-good-toke",
      "Bearer a-good-tokenn",
      "bearer",
      "Basic a-good-token",
      "a-good-token",
    ])
      expect((await models(wrong)).status, wrong).toBe(401);
    expect((await models("Bearer a-good-token")).status).toBe(200);
    for (const path of ["/metrics", "/docs", "/openapi.json", "/v1/jobs/1", "/nowhere"])
      expect((await ask(guarded.address, path)).status, path).toBe(401);
    for (const path of ["/healthz", "/readyz"])
      expect((await ask(guarded.address, path)).status, path).toBe(200);
    await guarded.end();
  });
});

describe("what the server tells of itself", () => {
  it("is OpenAPI 3.1, and a page, both without scripts", async () => {
    const described = JSON.parse((await ask(own.address, "/openapi.json")).text);
    expect(described.openapi).toBe("3.1.0");
    const paths = [
      "/v1/images/generations",
      "/v1/images/edits",
      "/v1/embeddings",
      "/v1/models",
      "/v1/jobs",
      "/healthz",
      "/metrics",
    ];
    expect(Object.keys(described.paths)).toEqual(expect.arrayContaining(paths));
    const page = await ask(own.address, "/docs");
    for (const path of paths) expect(page.text).toContain(path);
    expect(page.text).not.toContain("<script");
    expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(page.headers["x-content-type-options"]).toBe("nosniff");
    expect(page.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("is figures for Prometheus", async () => {
    const { text } = await ask(own.address, "/metrics");
    expect(text).toMatch(/dream_http_replies_total\{route="\/v1\/images\/generations",status="200"\} [1-9]/);
    expect(text).toMatch(/dream_engine\{what="drawn"\} [1-9]/);
    expect(text).toMatch(/nodejs_eventloop_lag_seconds/);
  });
});
