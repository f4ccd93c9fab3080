/** @file A curve over the steps of a run, or of two. */
import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { RunCurves } from "../../../src/server/studio-protocol.js";
import { theme } from "../theme.js";

interface ChartProps {
  readonly title: string;
  readonly curve: keyof RunCurves["curves"];
  readonly runs: readonly RunCurves[];
}

const height = 180;

export function Chart({ title, curve, runs }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const light = theme.value;
  useEffect(() => {
    // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read again where the light changes
    void light;
    const colour = (name: string): string => getComputedStyle(place.current!).getPropertyValue(name);
    const axis = {
      values: (_: UPlot, ticks: number[]) => ticks.map(told), stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const colours = [colour("--one"), colour("--two")];
    const own = (width: number): UPlot.Options => ({
      width,
      height,
      scales: { x: { time: false } },
      axes: [{ ...axis, size: 30 }, { ...axis, size: 56 }],
      legend: { show: false },
      cursor: { y: false },
      series: [{}, ...runs.map(({ name }, i) => ({ label: name, stroke: colours[i]!, width: 1.5, spanGaps: true }))],
    });
    const data = UPlot.join(runs.map(({ step, curves }) => [step, curves[curve]] as UPlot.AlignedData));
    const plot = new UPlot(own(place.current!.clientWidth), data, place.current!);
    const watcher = new ResizeObserver(([entry]) => plot.setSize({ width: entry!.contentRect.width, height }));
    watcher.observe(place.current!);
    return () => {
      watcher.disconnect();
      plot.destroy();
    };
  }, [curve, runs, light]);
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

const told = (value: number | null | undefined): string =>
  value === null || value === undefined ? "none" : String(Number(value.toPrecision(3)));
