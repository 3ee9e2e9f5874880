import { type Config, configHash, parseConfig } from "@anabranch/core";
import type { RunGroup } from "./comparison.ts";
import { type ConfigDifference, configDifferences, MISSING } from "./config-differences.ts";
import { runLabels } from "./labels.ts";
import type { RunData } from "./run-data.ts";

/**
 * Puts runs together whose configurations differ only in the seed (and in what changes no result, such as the name), in
 * the order in which they come. The same seed again is the same run and counts once. A run whose configuration cannot
 * be read stands alone. What differs in `[data]` is the setting of a group: accuracies on different data are not compared.
 */
export function groupBySeed(runs: readonly RunData[]): RunGroup[] {
  const groups = new Map<string, RunData[]>();
  const configs = runs.map(readConfig);
  runs.forEach((run, index) => {
    const key = identityOf(configs[index]) ?? `unknown ${index}`;
    const group = groups.get(key) ?? [];
    if (!group.some((known) => known.start?.seed === run.start?.seed)) group.push(run);
    groups.set(key, group);
  });
  const lists = [...groups.values()];
  const first = lists.map(([run]) => run!);
  const differences = configDifferences(first.map(({ configText }) => configText)).filter(
    ({ key }) => key !== "name" && key !== "seed",
  );
  const settings = first.map((_, index) => describe(differences.filter(isData), index));
  const methods = methodNames(
    first,
    settings,
    differences.filter((difference) => !isData(difference) && !isDiagnostic(difference)),
  );
  return lists.map((group, index) => ({ method: methods[index]!, setting: settings[index]!, runs: group }));
}

function readConfig({ configText }: RunData): Config | undefined {
  if (configText.trim() === "") return undefined;
  try {
    return parseConfig(configText, "config.toml");
  } catch {
    return undefined;
  }
}

function identityOf(config: Config | undefined): string | undefined {
  return config && `${configHash({ ...config, seed: 0 })} ${config.model.initialWeights ?? ""}`;
}

function isData({ key }: ConfigDifference): boolean {
  return key.startsWith("data.");
}

/** Diagnostics change no result, so they name no method. */
function isDiagnostic({ key }: ConfigDifference): boolean {
  return key.startsWith("diagnostics.");
}

/**
 * A method has the name of its runs. Where names repeat in one setting, what differs in the configuration is added.
 * Configurations that differ in the data alone are one method, named by the first of them.
 */
function methodNames(
  first: readonly RunData[],
  settings: readonly string[],
  differences: readonly ConfigDifference[],
): string[] {
  const all = first.map((_, index) => index);
  const kindOf = (index: number) => JSON.stringify(differences.map(({ values }) => values[index]));
  const names = all.map((index) => {
    const same = settings[index] === "" ? index : all.find((other) => kindOf(other) === kindOf(index))!;
    return first[same]!.name;
  });
  const full = names.map((name, index) => {
    const rivals = all.filter((other) => names[other] === name && kindOf(other) !== kindOf(index));
    const telling = differences.filter(({ values }) => rivals.some((other) => values[other] !== values[index]));
    return [name, describe(telling, index)].filter((text) => text !== "").join(", ");
  });
  const isClear = (index: number) =>
    all.every((other) => other === index || full[other] !== full[index] || settings[other] !== settings[index]);
  const fallback = runLabels(first);
  return full.map((label, index) => (isClear(index) ? label : fallback[index]!));
}

/** `alpha 0.1, clients 20`; a name is written without its key. */
function describe(differences: readonly ConfigDifference[], index: number): string {
  return differences
    .filter(({ values }) => values[index] !== MISSING)
    .map(({ key, values }) => {
      const part = key.slice(key.lastIndexOf(".") + 1);
      const value = values[index]!.replace(/^"|"$/g, "");
      return part === "name" ? value : `${part} ${value}`;
    })
    .join(", ");
}
