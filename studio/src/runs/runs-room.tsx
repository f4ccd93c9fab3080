/** @file Training runs, live and past: their curves, one run or two beside each other, and the grids that they drew. */
import { signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunCurves, Runs } from "../../../src/server/studio-protocol.js";
import { askFor, sentenceOf, studio } from "../api.js";
import { ShownPicture } from "../shown-picture.js";
import { Chart } from "./chart.js";

type Run = Runs["data"][number];

const runs = signal<readonly Run[]>([]);
/** At most two. */
const chosen = signal<readonly string[]>([]);
const curves = signal<readonly RunCurves[]>([]);
const problem = signal("");

/** As the charts have them. */
const colours = ["first", "second"] as const;

/** How often a live run is looked at. */
const lookMs = 3000;

const shown = {
  generativeLoss: "Generative loss",
  contrastiveLoss: "Contrastive loss",
  maskRatio: "Mask ratio",
  gradientNorm: "Gradient norm",
  learningRate: "Learning rate",
  imagesPerSecond: "Pictures a second",
} as const satisfies Record<keyof RunCurves["curves"], string>;

async function look(): Promise<void> {
  try {
    runs.value = (await askFor<Runs>("/v1/runs")).data;
    const names = chosen.value.filter((name) => runs.value.some((run) => run.name === name));
    const [first] = runs.value.filter(({ live }) => live).concat(runs.value);
    chosen.value = names.length === 0 && first !== undefined ? [first.name] : names;
    const asked = chosen.value;
    const found = await Promise.all(
      asked.map((name) => askFor<RunCurves>(`/v1/runs/curves?name=${encodeURIComponent(name)}`)),
    );
    if (asked === chosen.value) curves.value = found;
    problem.value = "";
  } catch (error) {
    problem.value = sentenceOf(error);
  }
}

function choose(name: string): void {
  chosen.value = chosen.value.includes(name)
    ? chosen.value.filter((one) => one !== name)
    : [...chosen.value.slice(-1), name];
  void look();
}

export function RunsRoom() {
  const watches = studio.value!.runs;
  useEffect(() => {
    if (!watches) return;
    void look();
    const timer = setInterval(() => {
      if (runs.value.some(({ live }) => live) && document.visibilityState === "visible") void look();
    }, lookMs);
    return () => clearInterval(timer);
  }, [watches]);
  if (!watches)
    return (
      <p>
        No runs are watched. <code>dream serve --runs FOLDER</code> shows those of a folder.
      </p>
    );
  return (
    <>
      <h1>Runs</h1>
      {problem.value !== "" && <p role="alert">{problem.value}</p>}
      {runs.value.length === 0 && <p>There is no run yet: <code>dream train</code> makes one.</p>}
      <fieldset class="runs">
        <legend>Two at most, beside each other</legend>
        {runs.value.map((run) => (
          <label key={run.name}>
            <input type="checkbox" checked={chosen.value.includes(run.name)} onChange={() => choose(run.name)} />
            <span>
              <b class={colours[chosen.value.indexOf(run.name)]}>{run.name}</b>{" "}
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
        {chosen.value.map((name) => (
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
  const place = at.value ?? run.samples.length - 1;
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
            at.value = currentTarget.valueAsNumber === run.samples.length - 1 ? null : currentTarget.valueAsNumber;
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
