/** @file The demo's page: the idea, how it was learned, what it draws, and how right that is. */
import { attributes, type Fidelity } from "../evaluate/fidelity.js";
import type { Interval } from "../evaluate/intervals.js";
import { averaged, escapeHtml, lineChart } from "./charts.js";
import type { ChoiceStory, DemoStory, FidelityTable, Moment, SearchStory } from "./demo-story.js";
import { ideaDrawing } from "./idea.js";
import { inlinePicture, page, table } from "./page.js";

/** @returns the whole page as HTML */
export async function demoPage(story: DemoStory): Promise<string> {
  const sections = [
    opening(story),
    await gallery(story.fidelity),
    learning(story),
    await growth(story),
    await choosing(story),
    counting(story),
    understanding(story),
    await searching(story.search),
    circumstances(story),
  ];
  return page("DREAM, trained on this machine", sections.join("\n"));
}

const percent = (share: number, digits = 0): string => `${(100 * share).toFixed(digits)}%`;
const between = ({ low, high }: Interval, digits = 0): string =>
  `${(100 * low).toFixed(digits)} to ${(100 * high).toFixed(digits)}`;
const minutes = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, "0")}`;

function opening({
  fidelity,
  zeroShot,
  classes,
  trainSeconds,
  parameters,
  trainingScenes,
}: DemoStory): string {
  const { sad } = fidelity;
  const first = zeroShot[0];
  return `<h1>One model that understands pictures and draws them</h1>
<p class="lead">Minutes ago this model was random numbers. It has since looked at ${trainingScenes.toLocaleString("en")} rendered scenes and
their captions, on this machine, and now draws captions that it never saw, and tells pictures apart by their captions.</p>
<div class="figures">
<div><b>${minutes(trainSeconds)}</b>minutes of training</div>
<div><b>${(parameters / 1e6).toFixed(1)} M</b>parameters</div>
<div><b>${percent(sad.allCorrect)}</b>of ${sad.samples} drawings show all that was asked</div>
${first === undefined ? "" : `<div><b>${percent(first.accuracy)}</b>of pictures named among ${classes}</div>`}
</div>
<div class="card">${ideaDrawing}</div>
<p>DREAM (<a href="https://arxiv.org/abs/2603.02667">arXiv 2603.02667</a>) trains one encoder for two purposes at once. A <em>contrastive</em> loss
draws a picture's vector to its own sentence, and wants to see nearly everything; a <em>generative</em> loss has a small diffusion head draw the
hidden parts, and wants nearly everything hidden. <em>Masking Warmup</em> reconciles them: the share that is hidden is drawn from a wide
bell curve whose middle moves from 0 to 1 while training goes on. And because the encoder has learned to understand pictures of which most is
hidden, it can judge its own drawings when they are hardly begun: <em>Semantically Aligned Decoding</em> begins several, lets the
model's own text tower score them, and finishes the best.</p>`;
}

/** Drawings that are shown, the first ones: nobody has chosen them. */
const shownDrawings = 48;

async function gallery({ drawings }: FidelityTable): Promise<string> {
  const shown = drawings.slice(0, shownDrawings);
  const tiles = await Promise.all(
    shown.map(async ({ picture, caption, wrong }) => {
      const verdict = wrong.length === 0 ? caption : `${caption} (wrong: ${wrong.join(", ")})`;
      const mark = wrong.length === 0 ? "" : " wrong";
      return `<div class="tile${mark}" title="${escapeHtml(verdict)}">${await inlinePicture(picture, 72, verdict)}</div>`;
    }),
  );
  return `<h2>Drawn from sentences that it never saw</h2>
<p>Each of these sentences names a combination of colour, shape, size, place and ground that was kept out of training. They are the first ${shown.length}, in
order; rest the pointer on one to read its sentence. Those with a frame are not what was asked for.</p>
<div class="row gallery">${tiles.join("")}</div>`;
}

function learning({ journal, recipe }: DemoStory): string {
  const most = 160;
  const generative = journal
    .filter(({ generativeShare }) => generativeShare > 0)
    .map(({ step, generativeLoss, generativeShare }) => [step, generativeLoss / generativeShare] as const);
  const contrastive = journal
    .filter(({ contrastiveShare }) => contrastiveShare > 0)
    .map(({ step, contrastiveLoss }) => [step, contrastiveLoss] as const);
  const masked = journal.map(({ step, maskRatio }) => [step, maskRatio] as const);
  const rate = journal.map(({ step, learningRate }) => [step, learningRate] as const);
  const charts = [
    { title: "Generative loss, of groups that count", colour: "var(--two)", points: generative },
    { title: "Contrastive loss", colour: "var(--three)", points: contrastive },
    {
      title: "Share of tokens hidden (Masking Warmup)",
      colour: "var(--one)",
      points: masked,
      yRange: [0, 1] as const,
    },
    { title: "Learning rate", colour: "var(--four)", points: rate },
  ].map(({ title, colour, points, ...rest }) =>
    lineChart({
      title,
      xLabel: "step",
      series: [{ name: "", colour, points: averaged(points, most) }],
      ...rest,
    }),
  );
  return `<h2>How it learned</h2>
<p>Every step hides another share of each quarter of its pictures. Where less than ${percent(recipe.minimumMasked)} is hidden, only understanding is
trained; where less than ${percent(recipe.minimumVisible)} is visible, only drawing.</p>
<div class="charts">${charts.join("")}</div>`;
}

async function growth({ moments, momentPrompts }: DemoStory): Promise<string> {
  const columns = await Promise.all(
    moments.map(async ({ step, pictures }: Moment) => ({
      step,
      cells: await Promise.all(pictures.map((picture, i) => inlinePicture(picture, 80, momentPrompts[i]!))),
    })),
  );
  const rows = momentPrompts.map((prompt, i) => [
    ...columns.map(({ cells }) => cells[i] ?? ""),
    `<small>${escapeHtml(prompt)}</small>`,
  ]);
  return `<h2>The same sentences, while it learned</h2>
<p>None of these combinations is in the training data. Seeds stay the same, so that only the model changes; no candidate was chosen.</p>
${table([...columns.map(({ step }) => `step ${step}`), ""], rows)}`;
}

async function choosing({ choices }: DemoStory): Promise<string> {
  const cards = await Promise.all(choices.map(choiceCard));
  return `<h2>Begin several, finish the best</h2>
<p>What is not drawn yet appears in the colour of the average picture. Under each start stands the cosine between the encoder's view of the visible
tokens and the sentence; the best goes on.</p>
${cards.join("\n")}`;
}

async function choiceCard({
  caption,
  halfDrawn,
  scores,
  chosen,
  decodedShare,
  finished,
  plain,
}: ChoiceStory): Promise<string> {
  const starts = await Promise.all(
    halfDrawn.map(
      async (picture, k) =>
        `<div class="tile${k === chosen ? " chosen" : ""}">${await inlinePicture(picture, 72, `start ${k + 1}`)}${scores[k]!.toFixed(2)}</div>`,
    ),
  );
  return `<div class="card"><div>${escapeHtml(caption)}</div><div class="row">${starts.join("")}
<div class="arrow">&rarr;</div>
<div class="tile">${await inlinePicture(finished, 96, `finished: ${caption}`)}finished</div>
<div class="tile">${await inlinePicture(plain, 96, `plain: ${caption}`)}plain decoding</div></div>
<small>chosen with ${percent(decodedShare, 1)} of the tokens drawn</small></div>`;
}

function counting({ fidelity, readerError, readerSamples, recipe }: DemoStory): string {
  const { plain, sad, sadGain } = fidelity;
  const row = (name: string, of: Fidelity): string[] => [
    name,
    `<b>${percent(of.allCorrect, 1)}</b>`,
    between(of.allCorrectInterval, 1),
    ...attributes.map((attribute) => percent(of.attributes[attribute], 1)),
  ];
  const columns = ["", "all right", "95% interval", ...attributes];
  const numbers = columns.map((_, i) => i).slice(1);
  return `<h2>How right the drawings are</h2>
<p>${sad.samples} drawings of combinations that were kept out of training (guidance ${recipe.guidance}), read back from their pixels by a reader that does
not know what was asked for. On ${readerSamples} freshly rendered scenes it misreads ${percent(readerError, 1)}. A drawing that it cannot read
counts as wrong in everything.</p>
${table(columns, [row("plain decoding", plain), row("SAD", sad)], numbers)}
<p>SAD minus plain, on the same prompts: <b>${signed(sadGain.mean)}</b> points (95% interval ${signed(sadGain.low)} to ${signed(sadGain.high)}).
For other numbers of candidates K and moments of choice:</p>
${gains(fidelity)}`;
}

const signed = (share: number): string => `${share < 0 ? "&minus;" : "+"}${Math.abs(100 * share).toFixed(1)}`;

function gains({ cells }: FidelityTable): string {
  const fractions = [...new Set(cells.map(({ atFraction }) => atFraction))];
  const counts = [...new Set(cells.map(({ candidates }) => candidates))];
  const rows = counts.map((K) => [
    `K = ${K}`,
    ...fractions.map((fraction) => {
      const { fidelity, gain } = cells.find((one) => one.candidates === K && one.atFraction === fraction)!;
      return `${percent(fidelity.allCorrect, 1)} <small>(${signed(gain.mean)}; ${signed(gain.low)} to ${signed(gain.high)})</small>`;
    }),
  ]);
  return table(
    ["all right (gain; 95%)", ...fractions.map((fraction) => `chosen at ${percent(fraction, 1)}`)],
    rows,
  );
}

function understanding({ zeroShot, classes, zeroShotPictures }: DemoStory): string {
  const chart = lineChart({
    title: `Zero-shot accuracy among ${classes} sentences`,
    xLabel: "share of tokens hidden",
    series: [
      {
        name: "accuracy",
        colour: "var(--three)",
        points: zeroShot.map(({ masked, accuracy }) => [masked, accuracy] as const),
      },
      {
        name: "chance",
        colour: "var(--soft)",
        points: zeroShot.map(({ masked }) => [masked, 1 / classes] as const),
      },
    ],
    yRange: [0, 1],
    markPoints: true,
    formatX: (x) => percent(x),
    formatY: (y) => percent(y),
  });
  const rows = zeroShot.map(({ masked, accuracy }) => [
    percent(masked, 1),
    percent(accuracy, 1),
    `${(accuracy * classes).toFixed(0)} times`,
  ]);
  return `<h2>What it understands, and how little it needs to see</h2>
<p>${zeroShotPictures} freshly rendered pictures, each named by the nearest of ${classes} sentences, while more and more of its tokens are hidden. This is what
lets it judge a drawing that is hardly begun.</p>
<div class="charts"><figure>${chart}</figure><div>${table(["hidden", "right", "chance, exceeded"], rows, [0, 1, 2])}</div></div>`;
}

async function searching(search: readonly SearchStory[]): Promise<string> {
  const cards = await Promise.all(
    search.map(async ({ sentence, found }) => {
      const tiles = await Promise.all(
        found.map(
          async ({ picture, cosine }) =>
            `<div class="tile">${await inlinePicture(picture, 72, sentence)}${cosine.toFixed(2)}</div>`,
        ),
      );
      return `<div class="card"><div>${escapeHtml(sentence)}</div><div class="row">${tiles.join("")}</div></div>`;
    }),
  );
  return `<h2>Nearest pictures to a sentence</h2>
<p>Among rendered pictures that it was never trained on, by cosine.</p>
${cards.join("\n")}`;
}

function circumstances({ machine, recipe, steps, seconds, trainSeconds }: DemoStory): string {
  const rows = [
    ["machine", `${machine.processor}, ${machine.cores} cores, ${machine.memoryGib} GiB`],
    ["system", machine.system],
    ["versions", `dream ${machine.version}, Node ${machine.node}, libtorch ${machine.libtorch}`],
    ["recipe", `${recipe.name} (${recipe.hash}), ${steps} steps, seed ${recipe.seed}`],
    ["time", `${minutes(trainSeconds)} training, ${minutes(seconds)} in all, ${machine.date}`],
  ];
  return `<h2>Where and how</h2>\n${table(
    ["", ""],
    rows.map((row) => row.map(escapeHtml)),
  )}
<p class="soft">The same seed on the same machine gives the same model, bit for bit.</p>`;
}
