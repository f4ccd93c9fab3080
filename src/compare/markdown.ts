/** @file A comparison's findings as Markdown, for documents and for reading in a terminal. */
import { measureNamed } from "../evaluate/measures.js";
import type { Findings, MaskedCurve } from "./findings.js";
import { differenceText, figureText, verdictText } from "./wording.js";

export function findingsMarkdown({ comparison, results, tables, curves, claims }: Findings): string {
  const lines = [`# ${comparison.title}`, "", comparison.about.trim(), ""];
  lines.push("## Claims", "", "| claim | verdict | difference | the paper |", "|---|---|---|---|");
  for (const { claim, verdict } of claims) {
    const measure = measureNamed(claim.measure);
    const difference = verdict === null ? "" : differenceText(measure, verdict);
    const paper =
      claim.paper === null ? "" : `${claim.paper.better} and ${claim.paper.than} ${claim.paper.unit}`.trim();
    lines.push(`| ${claim.claim} | ${verdictText(verdict)} | ${difference} | ${paper} |`);
  }
  lines.push("", "## Figures", "");
  for (const { measure, rows } of tables) {
    if (rows.length === 0) continue;
    lines.push(`| ${measure.title} (${measure.better} is better) | | seeds |`, "|---|---|---|");
    for (const { row, figure } of rows)
      lines.push(`| ${row.title} | ${figureText(measure, figure)} | ${figure.seeds} |`);
    lines.push("");
  }
  if (curves.length > 0) lines.push(...curveTable(curves), "");
  const made = [...new Set(results.map(({ madeBy, machine }) => `${madeBy} on ${machine}`))];
  lines.push(`Made by ${made.join("; ")}.`, "");
  return lines.join("\n");
}

/** All systems are asked at the same shares. */
function curveTable(curves: readonly MaskedCurve[]): string[] {
  const share = (value: number): string => `${(100 * value).toFixed(1)}%`;
  const shares = curves[0]!.points.map(({ masked }) => share(masked));
  return [
    `| Zero-shot naming, by share of the tokens hidden | ${shares.join(" | ")} |`,
    `|---|${shares.map(() => "---|").join("")}`,
    ...curves.map(
      ({ title, points }) => `| ${title} | ${points.map(({ accuracy }) => share(accuracy)).join(" | ")} |`,
    ),
  ];
}
