/** @file How to draw: what is left empty is the model's own, which the empty field shows. */
import { useRef } from "preact/hooks";
import { studio } from "../api.js";
import { anySeed, asked, change, type FormSettings } from "./settings.js";

export function SettingsForm() {
  const { drawing, model } = studio.value!;
  const canChoose = model.embedding_width !== null;
  const { selection = "once", sampler, negative_prompt, preset } = asked.value;
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
        {canChoose && (
          <NumberInput
            name="candidates"
            label="Drafts (K)"
            least={1}
            most={64}
            step={1}
            usual={drawing.candidates}
          />
        )}
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
          {candidates > 1 && (
            <Choice
              label="Choosing"
              value={asked.value.selection}
              options={["once", "halving", "each-step"]}
              onChange={(value) => change({ selection: value })}
            />
          )}
          {candidates > 1 && selection === "halving" && (
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
          {(["first", "last"] as const).map((end) => (
            <NumberInput
              key={end}
              name={`${end}_diffusion_steps`}
              label={`Diffusion steps, ${end} step`}
              least={1}
              most={1000}
              step={1}
              usual="the preset's"
            />
          ))}
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
  [K in keyof FormSettings]-?: NonNullable<FormSettings[K]> extends number ? K : never;
}[keyof FormSettings];

interface NumberInputProps {
  readonly name: NumberName;
  readonly label: string;
  readonly least: number;
  readonly most: number;
  readonly step: number | "any";
  /** What an empty field means. */
  readonly usual: number | string;
}

const numberIn = (text: string): number | undefined => (text === "" ? undefined : Number(text));

function NumberInput({ name, label, least, most, step, usual }: NumberInputProps) {
  // As it is typed: "0.0" is on its way to 0.05, and stays until another number comes from elsewhere.
  const typed = useRef("");
  const value = asked.value[name];
  if (numberIn(typed.current) !== value) typed.current = value === undefined ? "" : String(value);
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
        value={typed.current}
        onInput={({ currentTarget }) => {
          typed.current = currentTarget.value;
          change({ [name]: numberIn(currentTarget.value) });
        }}
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
