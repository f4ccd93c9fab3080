/** @file Training runs, live and past: their curves, one run or two beside each other, and the grids that they drew. */
import { signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunCurves, Runs } from "../../../src/server/studio-protocol.js";
import { askFor, sentenceOf, studio } from "../api.js";
import { ShownPicture } from "../shown-picture.js";
import { Chart } from "./chart.js";

type Run = Runs["data"][number];

const runs = signal<readonly Run[]>([]);
/** At most two; null until somebody has chosen, which shows a live one, or the first. */
const chosen = signal<readonly string[] | null>(null);
const curves = signal<readonly RunCurves[]>([]);
const problem = signal("");

/** As the charts have them. */
const colours = ["first", "second"] as const;

/** How often live runs are looked at, and every how many looks the others are. */
const lookMs = 3000;
const seldom = 5;

const shown = {
  generativeLoss: "Generative loss",
  contrastiveLoss: "Contrastive loss",
  maskRatio: "Mask ratio",
  gradientNorm: "Gradient norm",
  learningRate: "Learning rate",
  imagesPerSecond: "Pictures a second",
} as const satisfies Record<keyof RunCurves["curves"], string>;

function chosenNames(): readonly string[] {
  const [usual] = [...runs.value.filter(({ live }) => live), ...runs.value];
  const names = chosen.value ?? (usual === undefined ? [] : [usual.name]);
  return names.filter((name) => runs.value.some((run) => run.name === name));
}

/** The last look counts. */
let latest = 0;
let isLooking = false;

async function look(): Promise<void> {
  const own = ++latest;
  isLooking = true;
  try {
    runs.value = (await askFor<Runs>("/v1/runs")).data;
    const found = await Promise.all(
      chosenNames().map((name) => askFor<RunCurves>(`/v1/runs/curves?name=${encodeURIComponent(name)}`)),
    );
    if (own !== latest) return;
    curves.value = found;
    problem.value = "";
  } catch (error) {
    if (own === latest) problem.value = sentenceOf(error);
  } finally {
    if (own === latest) isLooking = false;
  }
}

function choose(name: string): void {
  const before = chosenNames();
  chosen.value = before.includes(name) ? before.filter((one) => one !== name) : [...before.slice(-1), name];
  void look();
}

export function RunsRoom() {
  const watches = studio.value!.runs;
  useEffect(() => {
    if (!watches) return;
    void look();
    let turns = 0;
    const timer = setInterval(() => {
      const isDue = runs.value.some(({ live }) => live) || ++turns % seldom === 0;
      if (isDue && !isLooking && document.visibilityState === "visible") void look();
    }, lookMs);
    return () => clearInterval(timer);
  }, [watches]);
  if (!watches)
    return (
      <p>
        No runs are watched. <code>dream serve --runs FOLDER</code> shows those of a folder.
      </p>
    );
  const names = chosenNames();
  return (
    <>
      <h1>Runs</h1>
      {problem.value !== "" && <p role="alert">{problem.value}</p>}
      {runs.value.length === 0 && (
        <p>
          There is no run yet: <code>dream train</code> makes one.
        </p>
      )}
      <fieldset class="runs">
        <legend>Two at most, beside each other</legend>
        {runs.value.map((run) => (
          <label key={run.name}>
            <input type="checkbox" checked={names.includes(run.name)} onChange={() => choose(run.name)} />
            <span>
              <b class={colours[names.indexOf(run.name)]}>{run.name}</b>{" "}
              <span class="soft">
                {run.recipe} {run.steps.toLocaleString("en")} steps
                {run.share !== null && `, ${Math.round(100 * run.share)}%`}
              </span>
              {run.live && <span class="live">live</span>}
            </span>
          </label>
        ))}
      </fieldset>
      {curves.value.length > 0 && (
        <div class="charts">
          {Object.entries(shown).map(([curve, title]) => (
            <Chart key={curve} title={title} curve={curve as keyof typeof shown} runs={curves.value} />
          ))}
        </div>
      )}
      <div class="grids">
        {names.map((name) => (
          <SampleGrids key={name} run={runs.value.find((run) => run.name === name)} />
        ))}
      </div>
    </>
  );
}

/** What a run drew on its way, always of the same sentences and seeds. */
function SampleGrids({ run }: { readonly run: Run | undefined }) {
  /** Null follows the newest. */
  const at = useSignal<number | null>(null);
  if (run === undefined || run.samples.length === 0) return null;
  const place = Math.min(at.value ?? Number.POSITIVE_INFINITY, run.samples.length - 1);
  const step = run.samples[place]!;
  return (
    <section aria-label={`Samples of ${run.name}`}>
      <h2>{run.name}</h2>
      <label>
        After step {step.toLocaleString("en")}
        <input
          type="range"
          min={0}
          max={run.samples.length - 1}
          value={place}
          onInput={({ currentTarget }) => {
            at.value =
              currentTarget.valueAsNumber === run.samples.length - 1 ? null : currentTarget.valueAsNumber;
          }}
        />
      </label>
      <ShownPicture
        source={`/v1/runs/samples?name=${encodeURIComponent(run.name)}&step=${step}`}
        description={`Samples of ${run.name} after step ${step}`}
      />
    </section>
  );
}
