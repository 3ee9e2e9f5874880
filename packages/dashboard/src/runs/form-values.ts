import type { FormField, FormSection } from "./form-schema.ts";

/** What was typed or chosen, by key path; fields without an entry have their default. */
export type FormValues = Readonly<Record<string, string>>;

/** The fields of a section, with the options of the part that is chosen in it. */
export function fieldsOf({ fields, options }: FormSection, values: FormValues): readonly FormField[] {
  if (options === null) return fields;
  const by = fields.find(({ path }) => path === options.by);
  const chosen = by === undefined ? "" : textOf(by, values);
  return [...fields, ...(options.of[chosen] ?? [])];
}

/** What a field shows: what was typed, or its default. */
export function textOf({ path, initial }: FormField, values: FormValues): string {
  return values[path] ?? defaultText(initial);
}

function defaultText(initial: unknown): string {
  if (initial === null || initial === undefined) return "";
  return Array.isArray(initial) ? initial.join(", ") : String(initial);
}

/** The configuration: all that differs from the defaults, as a file would have it. */
export function configOf(sections: readonly FormSection[], values: FormValues): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const field of sections.flatMap((section) => fieldsOf(section, values))) {
    const text = textOf(field, values).trim();
    if (text === "" || text === defaultText(field.initial)) continue;
    assign(config, field.path.split("."), parsed(field, text));
  }
  return config;
}

/** What is no number stays a text: the schema says what is wrong with it. */
function parsed({ kind }: FormField, text: string): unknown {
  const number = (part: string) => (/^[-+.\deE]+$/.test(part) && Number.isFinite(Number(part)) ? Number(part) : part);
  switch (kind) {
    case "flag":
      return text === "true";
    case "list":
      return text.split(/[\s,]+/).map(number);
    case "number":
      return number(text);
    default:
      return text;
  }
}

function assign(table: Record<string, unknown>, [key = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    table[key] = value;
    return;
  }
  const inner = table[key];
  const next: Record<string, unknown> = typeof inner === "object" && inner !== null ? { ...inner } : {};
  assign(next, rest, value);
  table[key] = next;
}

/** The field that a failure is about: the one whose key path its place begins with. */
export function fieldAt(where: string | undefined, fields: readonly FormField[]): FormField | undefined {
  const fits = fields.filter(({ path }) => where === path || where?.startsWith(`${path}.`));
  return fits.sort((a, b) => b.path.length - a.path.length)[0];
}

/** "training.learningRate" as "Learning rate". */
export function titleOf(path: string): string {
  const words = path.slice(path.lastIndexOf(".") + 1).replace(/([a-z])([A-Z])/g, "$1 $2");
  return capitalized(words.toLowerCase());
}

/** With a capital at its beginning; a text that begins with a quoted value stays as it is. */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
