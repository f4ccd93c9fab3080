/** @file The studio in a real browser, at a server of a real model: what a person does there, at a desk and on a phone. */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { drawScene } from "../../src/data/scenes/draw.js";
import { sceneRandom } from "../../src/data/scenes/random.js";
import { renderScene } from "../../src/data/scenes/render.js";
import { Dream } from "../../src/dream.js";
import { decodePicture, encodePng, type Picture } from "../../src/formats/images.js";
import { PictureGallery } from "../../src/picture-gallery.js";
import { PictureIndex } from "../../src/search/picture-index.js";
import { WatchedRuns } from "../../src/watched-runs.js";
import { loudRun } from "../../test/loud-run.js";
import { type Served, served } from "../../test/served.js";
import { openBrowser } from "./browser.js";

const prompt = "a large red circle in the centre on a plain background";
/** Steps that a person can watch. */
const slow = { "Diffusion steps, first step": "150", "Diffusion steps, last step": "150", Steps: "64" };
/** Steps that nobody waits for. */
const endless = { "Diffusion steps, first step": "1000", "Drafts (K)": "20", Steps: "64" };

let browser: Browser;
let context: BrowserContext;
let page: Page;
let own: Served;
let indexed: Dream;
let index: PictureIndex;
let runs: string;
let pictures: string;
/** What the browser complained of. */
const complaints: string[] = [];

const journalLine = (step: number): string =>
  `${JSON.stringify({
    step,
    epoch: step / 100,
    generativeLoss: 1 / (1 + step),
    contrastiveLoss: 2,
    maskRatio: step / 1000,
    gradientNorm: 1,
    learningRate: 0.001,
    imagesPerSecond: 50,
  })}\n`;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "dream-studio-"));
  runs = join(folder, "runs");
  for (const [name, steps] of Object.entries({ first: 300, second: 200 })) {
    mkdirSync(join(runs, name, "samples"), { recursive: true });
    writeFileSync(
      join(runs, name, "metrics.jsonl"),
      Array.from({ length: steps }, (_, step) => journalLine(step)).join(""),
    );
    const grid = await encodePng({ width: 8, height: 8, data: new Uint8Array(192).fill(steps % 256) });
    writeFileSync(join(runs, name, "samples", "step-00000100.png"), grid);
  }
  pictures = join(folder, "pictures");
  mkdirSync(pictures);
  for (let i = 0; i < 12; i++) {
    const { scene } = drawScene(1, "train", 31 * i, sceneRandom(5, i));
    writeFileSync(join(pictures, `<b>${i}<b>.png`), await encodePng(renderScene(scene, 32).picture));
  }
  const run = await loudRun();
  indexed = await Dream.load(run, { device: "cpu" });
  index = await PictureIndex.open(join(folder, "index"), indexed, "loud");
  await index.update(pictures);
  const gallery = await PictureGallery.open(join(folder, "gallery"));
  own = await served({ followerMs: 1000 }, { gallery, index, runs: new WatchedRuns(runs) }, run);
  browser = await openBrowser();
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true });
  page = await opened(context);
  // A machine without Chromium fetches it first.
}, 600_000);

beforeEach(async () => {
  await page.goto(`${own.address}/#draw`);
  await page.reload();
  await page.waitForSelector("textarea");
});

afterAll(async () => {
  await browser?.close();
  await own?.end();
  await index?.close();
  await indexed?.dispose();
});

/** A page that remembers what it showed half-drawn. */
async function opened(where: BrowserContext): Promise<Page> {
  const fresh = await where.newPage();
  fresh.on("pageerror", ({ message }) => complaints.push(message));
  fresh.on("console", (said) => {
    if (said.type() === "error") complaints.push(`${said.text()} ${said.location().url}`);
  });
  await fresh.addInitScript(() => {
    const stages: number[] = [];
    Object.assign(window, { stages });
    new MutationObserver((changes) => {
      for (const { target } of changes) {
        const open = (target as HTMLElement).dataset.hidden;
        if (open !== undefined) stages.push(Number(open));
      }
    }).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-hidden"] });
  });
  return fresh;
}

async function fill(at: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  if (!(await at.getByLabel("Temperature").isVisible())) await at.getByText("More settings").click();
  for (const [label, value] of Object.entries(fields))
    await at.getByLabel(label, { exact: true }).fill(value);
}

const drawButton = (at: Page) => at.getByRole("button", { name: "Draw", exact: true });

async function draw(at: Page, sentence: string, fields: Readonly<Record<string, string>>): Promise<void> {
  await fill(at, fields);
  await at.getByLabel("Sentence").fill(sentence);
  await drawButton(at).click();
}

const isDone = (at: Page, seed: number): Promise<void> =>
  expect.poll(() => at.getByRole("status").textContent(), { timeout: 30_000 }).toContain(`Seed ${seed}.`);

async function shownPicture(at: Page): Promise<Picture> {
  const address = await at.getByRole("link", { name: "Download" }).getAttribute("href");
  return decodePicture(Buffer.from(address!.split(",")[1]!, "base64"), "shown");
}

async function drawnByLibrary(options: Parameters<Dream["generate"]>[0]): Promise<Buffer> {
  for await (const event of own.dream.generate(options))
    if (event.type === "picture") return Buffer.from(event.picture.data);
  throw new Error("nothing was drawn");
}

/** Serious and critical violations that axe finds in what is open. */
async function violations(at: Page): Promise<string[]> {
  const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  await at.evaluate(readFileSync(axe, "utf8"));
  return at.evaluate(async () => {
    const run = (window as never as { axe: { run: () => Promise<{ violations: Found[] }> } }).axe.run;
    type Found = { id: string; impact: string; nodes: { html: string }[] };
    const { violations } = await run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  });
}

describe("drawing", () => {
  it("shows the picture grow, the drafts and the choice, and gives what the library draws", async () => {
    await draw(page, prompt, { ...slow, Seed: "7", "Drafts (K)": "3" });
    await isDone(page, 7);
    const stages = await page.evaluate(() => (window as never as { stages: number[] }).stages);
    const seen = [...new Set(stages)];
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(seen).toEqual([...seen].sort((a, b) => b - a));
    expect(await page.locator(".drafts li").count()).toBe(3);
    expect(await page.locator(".drafts li.kept").count()).toBe(1);
    expect(await page.locator(".moment").count()).toBe(1);
    const chosen = await page.locator(".drafts li.kept").getByRole("img").getAttribute("aria-label");
    expect(await page.getByRole("status").textContent()).toContain(`${chosen} of 3 fits the sentence best`);
    const diffusionSteps = { first: 150, last: 150 };
    const expected = await drawnByLibrary({ prompt, seed: 7, candidates: 3, steps: 64, diffusionSteps });
    expect((await shownPicture(page)).data).toEqual(expected);
  });

  it("is called off, and begins again", async () => {
    const { cancelled } = await own.dream.statistics();
    await draw(page, prompt, endless);
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect.poll(() => page.getByRole("status").textContent()).toContain("Called off");
    expect((await own.dream.statistics()).cancelled).toBe(cancelled + 1);
    await fill(page, { "Diffusion steps, first step": "4", Seed: "3" });
    await drawButton(page).click();
    await isDone(page, 3);
  });

  it("says in a sentence what cannot be drawn, and keeps what was typed", async () => {
    await draw(page, "circle ".repeat(60), {});
    await expect.poll(() => page.getByRole("alert").textContent()).toMatch(/words/);
    expect(await page.getByLabel("Sentence").inputValue()).toContain("circle circle");
  });

  it("lets a number be typed letter by letter", async () => {
    await fill(page, {});
    const typed = async (label: string, text: string): Promise<string> => {
      const field = page.getByLabel(label, { exact: true });
      await field.fill("");
      await field.pressSequentially(text);
      return field.inputValue();
    };
    expect(await typed("Guidance", "1.05")).toBe("1.05");
    expect(await typed("Chosen at (share of tokens)", "0.05")).toBe("0.05");
    expect(await typed("Diffusion steps, first step", "150")).toBe("150");
    expect(await page.getByLabel("Diffusion steps, last step").inputValue()).toBe("");
  });

  it("goes on for two people at once, each with their own", async () => {
    const other = await browser.newContext();
    const second = await opened(other);
    await second.goto(own.address);
    const square = "a small blue square in the top left on a dotted background";
    await Promise.all([
      draw(page, prompt, { ...slow, Seed: "11", "Drafts (K)": "2" }),
      draw(second, square, { ...slow, Seed: "12", "Drafts (K)": "2" }),
    ]);
    await Promise.all([isDone(page, 11), isDone(second, 12)]);
    const how = { candidates: 2, steps: 64, diffusionSteps: { first: 150, last: 150 } };
    const [one, two] = await Promise.all([shownPicture(page), shownPicture(second)]);
    const distance = (a: Picture, b: Buffer): number =>
      Math.max(...a.data.map((value, i) => Math.abs(value - b[i]!)));
    // Drawing in company may move a value by a rounding.
    expect(distance(one, await drawnByLibrary({ prompt, seed: 11, ...how }))).toBeLessThanOrEqual(2);
    expect(distance(two, await drawnByLibrary({ prompt: square, seed: 12, ...how }))).toBeLessThanOrEqual(2);
    expect(distance(one, Buffer.from(two.data))).toBeGreaterThan(20);
    await other.close();
  });

  it("stops where its tab is closed, and where it dies", async () => {
    const other = await browser.newContext();
    for (const leave of [
      (tab: Page) => tab.close({ runBeforeUnload: true }),
      (tab: Page) => tab.goto("chrome://crash").catch(() => {}),
    ]) {
      const tab = await other.newPage();
      await tab.goto(own.address);
      await draw(tab, prompt, endless);
      await expect.poll(async () => (await own.dream.statistics()).underWay).toBe(1);
      await leave(tab);
      await expect.poll(async () => (await own.dream.statistics()).underWay, { timeout: 10_000 }).toBe(0);
    }
    await other.close();
  });
});

describe("the gallery", () => {
  it("has what was drawn after a reload, restores its settings, and lets it go", async () => {
    const hostile = '<img src=x onerror="document.title=1"> a red circle';
    await draw(page, hostile, { Seed: "21", Guidance: "2", "Drafts (K)": "2" });
    await isDone(page, 21);
    const shown = await shownPicture(page);
    await page.goto(`${own.address}/#gallery`);
    await page.reload();
    const [first] = [page.locator(".picture").first()];
    await first.getByRole("img").waitFor();
    expect(await first.textContent()).toContain(hostile);
    await first.click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.locator("dd").first().textContent()).toBe(hostile);
    await dialog.getByRole("button", { name: /Draw with these/ }).click();
    expect(await page.getByLabel("Sentence").inputValue()).toBe(hostile);
    expect(await page.getByLabel("Seed").inputValue()).toBe("21");
    await drawButton(page).click();
    await expect.poll(() => drawButton(page).isVisible()).toBe(true);
    await isDone(page, 21);
    expect((await shownPicture(page)).data).toEqual(shown.data);
    await page.goto(`${own.address}/#gallery`);
    await page.locator(".picture").first().getByRole("img").waitFor();
    const kept = (await (await fetch(`${own.address}/v1/gallery`)).json()) as { data: unknown[] };
    const count = kept.data.length;
    await expect.poll(() => page.locator(".picture").count()).toBe(count);
    await page.locator(".picture").first().click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove it from the disk" }).click();
    await expect.poll(() => page.locator(".picture").count()).toBe(count - 1);
    expect(await page.title()).toBe("Gallery · dream studio");
  });

  it("gives its pictures' settings back where one is dropped on the drawing", async () => {
    await draw(page, prompt, { Seed: "31", "Drafts (K)": "2" });
    await isDone(page, 31);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download" }).click(),
    ]);
    const png = readFileSync(await download.path());
    await page.reload();
    await drop(page, png, "drawn.png");
    await expect.poll(() => page.getByLabel("Seed").inputValue()).toBe("31");
    expect(await page.getByLabel("Sentence").inputValue()).toBe(prompt);
    await drop(page, Buffer.from("no picture"), "notes.png");
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("no picture");
  });
});

async function keptLast(): Promise<{ readonly id: string }> {
  const { data } = (await (await fetch(`${own.address}/v1/gallery?count=1`)).json()) as {
    data: { id: string }[];
  };
  return data[0]!;
}

async function drop(at: Page, bytes: Buffer, name: string): Promise<void> {
  const dataTransfer = await at.evaluateHandle(
    ([base64, fileName]) => {
      const carried = new DataTransfer();
      const content = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      carried.items.add(new File([content], fileName, { type: "image/png" }));
      return carried;
    },
    [bytes.toString("base64"), name] as const,
  );
  await at.dispatchEvent(".drawing", "drop", { dataTransfer });
}

describe("the brush", () => {
  it("marks with the pointer what is drawn anew; the rest stays", async () => {
    await draw(page, prompt, { Seed: "41", "Drafts (K)": "1" });
    await isDone(page, 41);
    const before = await shownPicture(page);
    const { x, y, width } = (await page.locator("canvas.canvas").boundingBox())!;
    await page.mouse.move(x + 0.06 * width, y + 0.06 * width);
    await page.mouse.down();
    await page.mouse.move(x + 0.44 * width, y + 0.06 * width, { steps: 12 });
    await page.mouse.up();
    expect(await page.locator("canvas.canvas").getAttribute("data-marked")).toBe("4");
    await fill(page, { Seed: "42" });
    await page.getByLabel("Sentence").fill("a small blue square in the top left on a dotted background");
    await page.getByRole("button", { name: "Draw the marked part anew" }).click();
    await isDone(page, 42);
    const after = await shownPicture(page);
    const moved = (rows: readonly number[], columns: readonly number[]): number =>
      Math.max(
        ...rows.flatMap((row) =>
          columns.map((column) =>
            Math.abs(after.data[3 * (row * 32 + column)]! - before.data[3 * (row * 32 + column)]!),
          ),
        ),
      );
    const rangeOf = (from: number, to: number): number[] =>
      Array.from({ length: to - from }, (_, i) => from + i);
    expect(moved(rangeOf(0, 4), rangeOf(0, 16))).toBeGreaterThan(10);
    expect(moved(rangeOf(4, 32), rangeOf(0, 32))).toBe(0);
    expect(await keptLast()).toMatchObject({ record: { is_edit: true } });
  });

  it("draws a single token anew, and has the picture and its marks again where that is refused", async () => {
    await draw(page, prompt, { Seed: "44", "Drafts (K)": "3" });
    await isDone(page, 44);
    const before = await shownPicture(page);
    const canvas = page.locator("canvas.canvas");
    await canvas.click({ position: { x: 20, y: 20 } });
    await page.getByLabel("Sentence").fill("circle ".repeat(60));
    await page.getByRole("button", { name: "Draw the marked part anew" }).click();
    await expect.poll(() => page.getByRole("alert").textContent()).toMatch(/words/);
    expect((await shownPicture(page)).data).toEqual(before.data);
    expect(await canvas.getAttribute("data-marked")).toBe("1");
    await page.getByLabel("Sentence").fill("a red circle\non a plain background");
    await fill(page, { Seed: "45" });
    await page.getByRole("button", { name: "Draw the marked part anew" }).click();
    await isDone(page, 45);
    expect((await shownPicture(page)).data).not.toEqual(before.data);
  });

  it("is led by the keyboard too", async () => {
    await draw(page, prompt, { Seed: "43", "Drafts (K)": "1" });
    await isDone(page, 43);
    const canvas = page.locator("canvas.canvas");
    await canvas.focus();
    for (const key of ["ArrowRight", "Space", "ArrowDown", "Space", "ArrowUp", "Space"])
      await page.keyboard.press(key);
    expect(await canvas.getAttribute("data-marked")).toBe("1");
    expect(await canvas.getAttribute("aria-label")).toContain("1 of 64");
  });
});

describe("search", () => {
  it("finds by a sentence as the index does, and by a picture that is clicked", async () => {
    await page.goto(`${own.address}/#search`);
    await page.getByRole("searchbox").fill("a red circle");
    await page.getByRole("button", { name: "Search" }).click();
    await page.locator(".picture img").nth(11).waitFor();
    const expected = await index.search({ text: "a red circle" }, 12);
    const shown = await page
      .locator(".picture")
      .evaluateAll((all) => all.map((one) => one.getAttribute("title")));
    expect(shown).toEqual(expected.map(({ path }) => path));
    expect(await page.locator(".caption b").count()).toBe(0);
    await page.locator(".picture").nth(5).click();
    await expect.poll(() => page.locator(".picture").first().getAttribute("title")).toBe(expected[5]!.path);
    expect(await page.locator(".caption").first().textContent()).toContain("1.000");
  });
});

describe("runs", () => {
  it("are shown beside each other, and grow while they are looked at", async () => {
    await page.goto(`${own.address}/#runs`);
    await page.getByRole("checkbox", { name: /second/ }).check();
    await expect.poll(() => page.locator("figure").first().textContent()).toMatch(/0\.0033.*0\.005/);
    expect(await page.locator("figure canvas").count()).toBe(6);
    expect(await page.locator(".grids img").count()).toBe(2);
    appendFileSync(join(runs, "second", "metrics.jsonl"), journalLine(200));
    await expect.poll(() => page.getByText("201 steps").count(), { timeout: 10_000 }).toBe(1);
  });
});

describe("the page", () => {
  it("paints within a second, and is small", async () => {
    const fresh = await browser.newContext();
    const first = await opened(fresh);
    await first.goto(own.address);
    await first.waitForSelector("textarea");
    const { paint, bytes, foreign } = await first.evaluate(() => {
      const files = [
        ...performance.getEntriesByType("navigation"),
        ...performance.getEntriesByType("resource"),
      ] as PerformanceResourceTiming[];
      return {
        paint: performance.getEntriesByName("first-contentful-paint")[0]!.startTime,
        bytes: files.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
        foreign: files.filter(({ name }) => !name.startsWith(location.origin)).length,
      };
    });
    expect(paint).toBeLessThan(1000);
    expect(bytes).toBeLessThan(150_000);
    expect(foreign).toBe(0);
    await fresh.close();
  });

  it("turns dark and light, and stays so", async () => {
    const ground = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = page.getByRole("button", { name: /^(Light: )?(auto|light|dark)$/ });
    const choose = async (what: string): Promise<void> => {
      while (!(await light.textContent())!.endsWith(what)) await light.click();
    };
    await choose("dark");
    const dark = await ground();
    await page.reload();
    await page.waitForSelector("textarea");
    expect(await ground()).toBe(dark);
    await choose("light");
    expect(await ground()).not.toBe(dark);
    await choose("auto");
  });

  it("has no serious violation, and fits, at a desk and on a phone, in the light and in the dark", async () => {
    await draw(page, prompt, { Seed: "51", "Drafts (K)": "3" });
    await isDone(page, 51);
    for (const [width, height] of [
      [1280, 900],
      [360, 740],
    ] as const)
      for (const colorScheme of ["light", "dark"] as const) {
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme });
        for (const room of ["Draw", "Gallery", "Search", "Runs"]) {
          await page.getByRole("navigation").getByRole("link", { name: room }).click();
          if (room === "Gallery") {
            await page.locator(".picture").first().click();
            await page.getByRole("dialog").getByRole("img").waitFor();
            expect(await violations(page), `a picture ${width} ${colorScheme}`).toEqual([]);
            await page.keyboard.press("Escape");
          }
          if (room === "Runs") await page.locator("figure").first().waitFor();
          expect(await violations(page), `${room} ${width} ${colorScheme}`).toEqual([]);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          expect(wide, `${room} ${width}`).toBeLessThanOrEqual(width);
        }
      }
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ colorScheme: null });
  });

  it("asks for the token that the server asks for, and shows pictures with it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dream-guarded-"));
    const gallery = await PictureGallery.open(folder);
    const guarded = await served({}, { token: "a-good-token", gallery });
    const fresh = await browser.newContext();
    // Its refusals are complaints of the browser, and are meant.
    const tab = await fresh.newPage();
    await tab.goto(guarded.address);
    await tab.getByLabel("Token").fill("a-wrong-token");
    await tab.getByRole("button", { name: "Enter" }).click();
    await expect.poll(() => tab.getByRole("alert").textContent()).toContain("bearer token");
    await tab.getByLabel("Token").fill("a-good-token");
    await tab.keyboard.press("Enter");
    await draw(tab, prompt, { Seed: "61", "Drafts (K)": "1" });
    await isDone(tab, 61);
    await tab.getByRole("link", { name: "Gallery" }).click();
    await tab.locator(".picture img").waitFor();
    await tab.reload();
    await tab.locator(".picture img").waitFor();
    await fresh.close();
    await guarded.end();
  });

  it("gave the browser nothing to complain of", () => {
    // A file that is no picture has no record.
    const meant = /status of 400.*\/v1\/records$/;
    expect(complaints.filter((one) => !meant.test(one))).toEqual([]);
  });
});
