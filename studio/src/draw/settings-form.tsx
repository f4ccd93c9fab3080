/** @file How to draw: what is left empty is the model's own, which the empty field shows. */
import { studio } from "../api.js";
import { type Asked, anySeed, asked, change } from "./settings.js";

export function SettingsForm() {
  const { drawing } = studio.value!;
  const { selection = "once", sampler, diffusion_steps, negative_prompt, preset } = asked.value;
  const candidates = asked.value.candidates ?? drawing.candidates;
  return (
    <>
      <div class="fields">
        <div class="seed">
          <NumberInput name="seed" label="Seed" least={0} most={4_294_967_295} step={1} usual="any" />
          <button type="button" class="quiet" onClick={() => change({ seed: anySeed() })}>
            Roll
          </button>
        </div>
        <NumberInput
          name="candidates"
          label="Drafts (K)"
          least={1}
          most={64}
          step={1}
          usual={drawing.candidates}
        />
        {candidates > 1 && selection !== "halving" && (
          <NumberInput
            name="select_at"
            label="Chosen at (share of tokens)"
            least={0.01}
            most={0.99}
            step="any"
            usual={drawing.select_at}
          />
        )}
        <Choice
          label="Preset"
          value={preset}
          options={["exact", "balanced", "fast"]}
          onChange={(value) => change({ preset: value })}
        />
        <NumberInput name="steps" label="Steps" least={2} most={4096} step={1} usual={drawing.steps} />
        <NumberInput
          name="guidance_scale"
          label="Guidance"
          least={0}
          most={100}
          step="any"
          usual={drawing.guidance_scale}
        />
      </div>
      <details>
        <summary>More settings</summary>
        <div class="fields">
          <Choice
            label="Choosing"
            value={asked.value.selection}
            options={["once", "halving", "each-step"]}
            onChange={(value) => change({ selection: value })}
          />
          {selection === "halving" && (
            <NumberInput
              name="separation"
              label="Lead that ends choosing"
              least={0}
              most={2}
              step="any"
              usual="none"
            />
          )}
          <Choice
            label="Sampler"
            value={sampler}
            options={["ancestral", "ddim", "dpm-solver"]}
            onChange={(value) => change({ sampler: value })}
          />
          <NumberInput
            name="temperature"
            label="Temperature"
            least={0.01}
            most={10}
            step="any"
            usual={drawing.temperature}
          />
          <NumberInput
            name="guidance_every"
            label="Guided every n-th step"
            least={1}
            most={4096}
            step={1}
            usual={1}
          />
          <DiffusionSteps steps={diffusion_steps} />
          <label class="wider">
            Lead away from
            <input
              type="text"
              maxLength={4000}
              value={negative_prompt ?? ""}
              onInput={({ currentTarget: { value } }) =>
                change({ negative_prompt: value === "" ? undefined : value })
              }
            />
          </label>
        </div>
      </details>
    </>
  );
}

type NumberName = {
  [K in keyof Asked]-?: NonNullable<Asked[K]> extends number ? K : never;
}[keyof Asked];

interface NumberInputProps {
  readonly name: NumberName;
  readonly label: string;
  readonly least: number;
  readonly most: number;
  readonly step: number | "any";
  /** What an empty field means. */
  readonly usual: number | string;
}

function NumberInput({ name, label, least, most, step, usual }: NumberInputProps) {
  return (
    <label>
      {label}
      <input
        type="number"
        name={name}
        min={least}
        max={most}
        step={step}
        placeholder={String(usual)}
        value={asked.value[name] ?? ""}
        onInput={({ currentTarget: { value, valueAsNumber } }) =>
          change({ [name]: value === "" ? undefined : valueAsNumber })
        }
      />
    </label>
  );
}

interface ChoiceProps<Option extends string> {
  readonly label: string;
  readonly value: Option | undefined;
  readonly options: readonly Option[];
  readonly onChange: (value: Option | undefined) => void;
}

function Choice<Option extends string>({ label, value, options, onChange }: ChoiceProps<Option>) {
  return (
    <label>
      {label}
      <select
        value={value ?? ""}
        onChange={({ currentTarget }) => onChange(options.find((option) => option === currentTarget.value))}
      >
        <option value="">the model's own</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Of the head: in the first decoding step, and in the last. Both are said, or neither. */
function DiffusionSteps({ steps }: { readonly steps: Asked["diffusion_steps"] }) {
  const say = (part: Partial<NonNullable<typeof steps>>): void => {
    const { first, last } = { ...steps, ...part };
    const either = first ?? last;
    change({
      diffusion_steps: either === undefined ? undefined : { first: first ?? either, last: last ?? either },
    });
  };
  const input = (which: "first" | "last") => (
    <label>
      Diffusion steps, {which} step
      <input
        type="number"
        min={1}
        max={1000}
        value={steps?.[which] ?? ""}
        placeholder="the preset's"
        onInput={({ currentTarget: { value, valueAsNumber } }) =>
          value === "" ? change({ diffusion_steps: undefined }) : say({ [which]: valueAsNumber })
        }
      />
    </label>
  );
  return (
    <>
      {input("first")}
      {input("last")}
    </>
  );
}
