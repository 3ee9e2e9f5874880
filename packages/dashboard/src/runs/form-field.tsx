import type { Failure } from "@anabranch/engine";
import type { FormField } from "./form-schema.ts";
import { capitalized, titleOf } from "./form-values.ts";

interface Props {
  readonly field: FormField;
  /** What it shows now. */
  readonly text: string;
  /** What is wrong with it. */
  readonly failure: Failure | undefined;
  change(text: string): void;
}

/** One value of the configuration, with what it means. */
export function FieldInput({ field, text, failure, change }: Props) {
  const { path, description, required } = field;
  const help = `${path}-help`;
  const wrong = `${path}-wrong`;
  const described = {
    id: path,
    "aria-describedby": failure === undefined ? help : `${help} ${wrong}`,
    "aria-invalid": failure !== undefined,
    "aria-required": required,
  };
  return (
    <div class="field">
      <label for={path}>
        {titleOf(path)}
        {required && " (required)"}
      </label>
      <Control field={field} text={text} change={change} described={described} />
      <p class="detail" id={help}>
        {capitalized(description)}
      </p>
      {failure !== undefined && (
        <p class="wrong" id={wrong}>
          {problemText(failure)}
        </p>
      )}
    </div>
  );
}

interface ControlProps extends Pick<Props, "field" | "text" | "change"> {
  readonly described: Readonly<Record<string, string | boolean>>;
}

function Control({ field, text, change, described }: ControlProps) {
  const { kind, choices, initial } = field;
  if (kind !== "flag" && kind !== "choice") {
    return (
      <input
        type="text"
        inputMode={kind === "number" ? "decimal" : undefined}
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => change(event.currentTarget.value)}
        {...described}
      />
    );
  }
  const offered = kind === "flag" ? ["true", "false"] : choices;
  return (
    <select value={text} onChange={(event) => change(event.currentTarget.value)} {...described}>
      {(initial === null || initial === undefined) && <option value="">not set</option>}
      {offered.map((choice) => (
        <option key={choice} value={choice}>
          {kind === "flag" ? yesNo(choice) : choice}
        </option>
      ))}
    </select>
  );
}

function yesNo(choice: string): string {
  return choice === "true" ? "yes" : "no";
}

function problemText({ message, received, expected, advice }: Failure): string {
  const what = [received && `received ${received}`, expected && `expected ${expected}`].filter(Boolean).join(", ");
  return [`${message}${what === "" ? "" : `: ${what}`}.`, advice].filter(Boolean).join(" ");
}
