/** @file A curve over the steps of a run, or of two. */
import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { RunCurves } from "../../../src/server/studio-protocol.js";
import { light } from "../theme.js";

interface ChartProps {
  readonly title: string;
  readonly curve: keyof RunCurves["curves"];
  readonly runs: readonly RunCurves[];
}

const height = 180;

const told = (value: number | null | undefined): string =>
  value === null || value === undefined ? "none" : String(Number(value.toPrecision(3)));

const ticksTold = (_: UPlot, ticks: readonly number[]): string[] => ticks.map(told);

export function Chart({ title, curve, runs }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const names = runs.map(({ name }) => name).join("\n");
  // It is built anew where other runs are shown, or in another light; new steps only move its lines.
  useEffect(() => {
    const box = place.current!;
    const built = new UPlot(optionsFor(box, names.split("\n")), [[]], box);
    const watcher = new ResizeObserver(([entry]) =>
      built.setSize({ width: entry!.contentRect.width, height }),
    );
    watcher.observe(box);
    plot.current = built;
    return () => {
      watcher.disconnect();
      built.destroy();
      plot.current = null;
    };
  }, [names, light.value]);
  useEffect(() => {
    plot.current?.setData(
      UPlot.join(runs.map(({ step, curves }): UPlot.AlignedData => [step, curves[curve]])),
    );
  }, [curve, runs, light.value]);
  const last = runs.map(({ name, curves }) => `${name} ${told(curves[curve].at(-1))}`).join(", ");
  return (
    <figure>
      <figcaption>
        <span class="title">{title}</span>
        {runs.map(({ name, curves }, i) => (
          <span key={name} class={i === 0 ? "first" : "second"}>
            {told(curves[curve].at(-1))}
          </span>
        ))}
      </figcaption>
      <div ref={place} role="img" aria-label={`${title} over the steps; the last: ${last}`} />
    </figure>
  );
}

/** In the page's colours; the second run is dashed, for who does not tell them apart. */
function optionsFor(box: HTMLElement, names: readonly string[]): UPlot.Options {
  const colour = (name: string): string => getComputedStyle(box).getPropertyValue(name);
  const axis = {
    stroke: colour("--soft"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    values: ticksTold,
  };
  const lines = [{ stroke: colour("--one") }, { stroke: colour("--two"), dash: [6, 3] }];
  return {
    width: box.clientWidth,
    height,
    scales: { x: { time: false } },
    axes: [
      { ...axis, size: 30 },
      { ...axis, size: 56 },
    ],
    legend: { show: false },
    cursor: { y: false },
    series: [{}, ...names.map((label, i) => ({ label, ...lines[i]!, width: 1.5, spanGaps: true }))],
  };
}
