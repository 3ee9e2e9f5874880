import { stringify } from "smol-toml";
import { type ConfigField, configFields } from "./fields.ts";

/** The quickstart federation, as far as it is not the default. */
const QUICKSTART: Readonly<Record<string, unknown>> = {
  rounds: 30,
  "data.dataset": "fashion-mnist-10k",
  "data.clients": 100,
  "data.partition.scheme": "dirichlet",
  "model.name": "cnn-28x28",
  "algorithm.name": "fedavg",
  "training.localEpochs": 2,
  "training.batchSize": 20,
  "sampler.cohort": 10,
};

/** Options of named parts, which the schema of the configuration leaves to them. */
const OPTIONS: Readonly<Record<string, string>> = {
  "data.partition": [
    "# concentration of the Dirichlet distribution; smaller values give each client fewer classes",
    "alpha = 0.1",
    '# "equal-size": same number per client, drawn with replacement; "disjoint": every example once',
    'recipe = "equal-size"',
  ].join("\n"),
};

const WIDTH = 100;

/**
 * A TOML text for a new run named `name`: the quickstart federation with every key, its meaning and its default. Keys
 * that are off by default stand there as comments.
 *
 * @example
 * ```ts
 * import { commentedTemplate } from "@anabranch/core";
 * commentedTemplate("first").includes('name = "first"'); // => true
 * ```
 */
export function commentedTemplate(name: string): string {
  const head = comment(
    `A federated run. Start it with: anabranch run FILE. Every key is optional; its value here is the default unless the comment gives another. Paths are relative to this file.`,
  );
  const body = configFields.map((field) => (field.section ? sectionText(field) : keyText(field, name)));
  return `${head}\n\n${body.join("\n")}`
    .replace(/\n{3,}/g, "\n\n")
    .trimEnd()
    .concat("\n");
}

function sectionText(field: ConfigField): string {
  return `\n${comment(field.description)}\n[${field.path.join(".")}]`;
}

function keyText(field: ConfigField, name: string): string {
  const path = field.path.join(".");
  const key = field.path.at(-1)!;
  const value = path === "name" ? name : (QUICKSTART[path] ?? field.defaultValue);
  const differs = field.defaultValue !== undefined && path !== "name" && value !== field.defaultValue;
  const note = comment(differs ? `${field.description} (default ${field.defaultValue})` : field.description);
  // an empty table in a line: written as stringify does, it would end the section
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  const text = isEmpty && !Array.isArray(value) ? `${key} = {}` : stringify({ [key]: value }).trim();
  const assignment = value === undefined ? `# ${key} =` : text;
  const parent = field.path.slice(0, -1).join(".");
  const last = configFields.filter((other) => other.path.slice(0, -1).join(".") === parent).at(-1) === field;
  const options = last ? OPTIONS[parent] : undefined;
  return [note, assignment, ...(options === undefined ? [] : [options])].join("\n");
}

function comment(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length + 1 > WIDTH) lines.push(`# ${word}`);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join("\n");
}
