/** @file A comparison's findings as Markdown, for documents and for reading in a terminal. */
import { measureNamed } from "../evaluate/measures.js";
import type { Findings } from "./findings.js";
import { differenceText, figureText, verdictText } from "./wording.js";

export function findingsMarkdown({ comparison, results, tables, claims }: Findings): string {
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
  const made = [...new Set(results.map(({ madeBy, machine }) => `${madeBy} on ${machine}`))];
  lines.push(`Made by ${made.join("; ")}.`, "");
  return lines.join("\n");
}
