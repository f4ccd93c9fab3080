/** @file The drafts side by side: Semantically Aligned Decoding as it happens (arXiv 2603.02667, section 3.3). */
import { choices, drafts } from "./drawing.js";
import { HalfDrawnPicture } from "./half-drawn-picture.js";

export function Drafts() {
  const isDecided = drafts.value.filter(({ kept }) => kept).length === 1;
  const scores = drafts.value.flatMap(({ score }) => score ?? []);
  const [least, most] = [Math.min(...scores), Math.max(...scores)];
  const width = (score: number): number =>
    most === least ? 100 : 10 + (90 * (score - least)) / (most - least);
  return (
    <section class="drafts" aria-label="Drafts">
      <h2>
        {choices.value.length === 0
          ? "Drafts that the model will choose between"
          : `How well each fits the sentence, after step ${choices.value.at(-1)}`}
      </h2>
      <ol>
        {drafts.value.map(({ candidate, half, score, kept }) => (
          <li key={candidate} class={score === null ? "" : kept ? "kept" : "dropped"}>
            <HalfDrawnPicture half={half} description={`Draft ${candidate + 1}`} />
            {score !== null && (
              <>
                <span class="bar" style={{ width: `${width(score)}%` }} />
                <span class="score">
                  {score.toFixed(3)}
                  {kept && (isDecided ? " chosen" : " goes on")}
                </span>
              </>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
