import type { Failure } from "@anabranch/engine";
import { FieldInput } from "./form-field.tsx";
import type { FormSection } from "./form-schema.ts";
import { capitalized, type FormValues, fieldAt, fieldsOf, textOf, titleOf } from "./form-values.ts";

interface Props {
  readonly section: FormSection;
  readonly values: FormValues;
  readonly failure: Failure | undefined;
  change(path: string, text: string): void;
}

/** Sections that are open at first; the others are for few. */
const usual = new Set(["", "data", "data.partition", "model", "algorithm", "training", "sampler"]);

/** A section of the configuration. It opens where something in it is wrong. */
export function SectionFields({ section, values, failure, change }: Props) {
  const fields = fieldsOf(section, values);
  const wrong = fieldAt(failure?.where, fields);
  const { path, description } = section;
  const title = path === "" ? "Run" : path.split(".").map(titleOf).join(": ");
  return (
    <details class="card" open={usual.has(path) || wrong !== undefined}>
      <summary>
        <h2>{title}</h2>
      </summary>
      {description !== "" && <p class="detail">{capitalized(description)}</p>}
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be a grid everywhere, and has its title above */}
      <div class="fields" role="group" aria-label={title}>
        {fields.map((field) => (
          <FieldInput
            key={field.path}
            field={field}
            text={textOf(field, values)}
            failure={field === wrong ? failure : undefined}
            change={(text) => change(field.path, text)}
          />
        ))}
      </div>
    </details>
  );
}
