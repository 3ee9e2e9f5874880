import { parseToml } from "@anabranch/core";

/** A value of a configuration key. The empty text takes the key out, as `--set key=` does. */
export type Value = string | number | boolean | readonly Value[];
/** Values by dotted key, in the order of the file. */
export type Values = Readonly<Record<string, Value>>;
/** The values that each key takes, in the order of the file. */
export type Grid = Readonly<Record<string, readonly Value[]>>;

/** Every combination of a grid's values: the first key varies slowest. One without values where the grid is empty. */
export function combinations(grid: Grid): Values[] {
  return Object.entries(grid).reduce<Values[]>(
    (rows, [key, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [key]: value }))),
    [{}],
  );
}

/** The assignments of `--set` that give a configuration these values. */
export function assignmentsOf(values: Values): string[] {
  return Object.entries(values).map(([key, value]) => `${key}=${valueText(value)}`);
}

/** Values as people read them: `alpha 0.1, learningRate 0.05`; a key is cut to its last part where that is clear. */
export function describeValues(values: Values): string {
  const keys = Object.keys(values);
  const last = (key: string) => key.slice(key.lastIndexOf(".") + 1);
  const clear = (key: string) => keys.filter((other) => last(other) === last(key)).length === 1;
  return keys.map((key) => `${clear(key) ? last(key) : key} ${valueText(values[key]!)}`).join(", ");
}

/** The command that repeats one run. */
export function commandOf(base: string, assignments: readonly string[]): string {
  return ["anabranch run", quoted(base), ...assignments.map((text) => `--set ${quoted(text)}`)].join(" ");
}

/** A value as `--set` reads it back to the same. */
function valueText(value: Value): string {
  return typeof value === "string" && readsAsItself(value) ? value : tomlText(value);
}

/** Whether a text without quotes is taken as that text and not as a number, a truth value or a table. */
function readsAsItself(text: string): boolean {
  if (text === "") return true;
  if (text !== text.trim() || /[\r\n]/.test(text)) return false;
  try {
    parseToml(`value = ${text}`, "value");
    return false;
  } catch {
    return true;
  }
}

function tomlText(value: Value): string {
  if (typeof value === "object") return `[${value.map(tomlText).join(", ")}]`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** A word of a command line as a POSIX shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
