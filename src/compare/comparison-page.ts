/** @file A comparison's findings as one HTML page: claims with their verdicts, every figure, curves, and the same captions drawn by all. */
import { existsSync, readFileSync } from "node:fs";
import { meanOf } from "../evaluate/intervals.js";
import { measureNamed } from "../evaluate/measures.js";
import { inUnit } from "../evaluate/units.js";
import { escapeHtml, lineChart, type Series } from "../report/charts.js";
import { page, table } from "../report/page.js";
import type { ClaimFinding, Findings, MeasureTable } from "./findings.js";
import { gridFile } from "./kept-drawings.js";
import { differenceText, figureText, verdictText } from "./wording.js";

/** @param folder of the comparison, whose drawings are shown */
export function comparisonPage(findings: Findings, folder: string): string {
  const { comparison, results } = findings;
  const made = [...new Set(results.map(({ madeBy, machine }) => `${madeBy} on ${machine}`))];
  return page(
    comparison.title,
    [
      `<h1>${escapeHtml(comparison.title)}</h1>`,
      `<p class="lead">${escapeHtml(comparison.about)}</p>`,
      `<h2>Claims</h2>`,
      claimsTable(findings.claims),
      `<p class="soft">A claim holds where the 95% interval of the difference lies above 0, fails where it lies below, and is open where it
holds 0. With three seeds or more the interval is of the seeds, otherwise of the test pictures; without one the claim is open.</p>`,
      `<h2>Figures</h2>`,
      ...findings.tables.filter(({ rows }) => rows.length > 0).map(measureTable),
      `<h2>Naming while tokens are hidden</h2>`,
      curves(findings),
      `<h2>The same captions, the same seeds</h2>`,
      ...drawings(findings, folder),
      `<p class="soft">Made by ${escapeHtml(made.join("; "))}.</p>`,
    ].join("\n"),
  );
}

function claimsTable(claims: readonly ClaimFinding[]): string {
  return table(
    ["claim", "verdict", "difference", "here", "the paper"],
    claims.map(({ claim, verdict }) => {
      const measure = measureNamed(claim.measure);
      const mean = (of: (seed: { better: number; than: number }) => number): string =>
        verdict === null ? "" : inUnit(measure, meanOf(verdict.seeds.map(of)));
      return [
        escapeHtml(claim.claim),
        `<b>${verdictText(verdict)}</b>`,
        verdict === null ? "" : differenceText(measure, verdict),
        verdict === null ? "" : `${mean(({ better }) => better)} and ${mean(({ than }) => than)}`,
        claim.paper === null
          ? ""
          : `${claim.paper.better} and ${claim.paper.than} ${escapeHtml(claim.paper.unit)}`,
      ];
    }),
  );
}

function measureTable({ measure, rows }: MeasureTable): string {
  return `<h3>${escapeHtml(measure.title)}</h3>${table(
    ["", `${measure.better} is better`, "seeds"],
    rows.map(({ row, figure }) => [escapeHtml(row.title), figureText(measure, figure), String(figure.seeds)]),
    [1, 2],
  )}`;
}

const colours = ["var(--one)", "var(--two)", "var(--three)", "var(--four)", "var(--soft)", "var(--ink)"];

function curves({ curves: all }: Findings): string {
  return lineChart({
    title: "zero-shot accuracy",
    xLabel: "share of the tokens that is hidden",
    series: all.map(
      ({ title, points }, i): Series => ({
        name: title,
        colour: colours[i % colours.length]!,
        points: points.map(({ masked, accuracy }) => [masked, accuracy] as const),
      }),
    ),
    formatX: (x) => `${Math.round(100 * x)}%`,
    formatY: (y) => `${Math.round(100 * y)}%`,
  });
}

function drawings({ results, comparison }: Findings, folder: string): string[] {
  return results.flatMap(({ system, seed, drawings: drawn }) =>
    Object.keys(drawn).flatMap((decoder) => {
      const path = gridFile(folder, `${system}-${decoder}-${seed}`);
      if (!existsSync(path)) return [];
      const title = comparison.systems.find(({ name }) => name === system)?.title ?? system;
      const bytes = readFileSync(path).toString("base64");
      const named = escapeHtml(`${title}, ${decoder}, seed ${seed}`);
      return [
        `<figure><img src="data:image/png;base64,${bytes}" alt="${named}"><figcaption>${named}</figcaption></figure>`,
      ];
    }),
  );
}
