import { configHash, parseConfig } from "@anabranch/core";
import type { RunGroup } from "./comparison.ts";
import { configDifferences } from "./config-differences.ts";
import { runLabels } from "./labels.ts";
import type { RunData } from "./run-data.ts";

/**
 * Puts runs together whose configurations differ only in the seed (and in what changes no result, such as the name), in
 * the order in which they come. The same seed again is the same run and counts once. A run whose configuration cannot
 * be read stands alone.
 */
export function groupBySeed(runs: readonly RunData[]): RunGroup[] {
  const groups = new Map<string, RunData[]>();
  runs.forEach((run, index) => {
    const key = seedlessIdentity(run.configText) ?? `unknown ${index}`;
    const group = groups.get(key) ?? [];
    if (!group.some((known) => known.start?.seed === run.start?.seed)) group.push(run);
    groups.set(key, group);
  });
  const lists = [...groups.values()];
  const labels = groupLabels(lists);
  return lists.map((group, index) => ({ label: labels[index]!, runs: group }));
}

function seedlessIdentity(text: string): string | undefined {
  try {
    const config = parseConfig(text, "config.toml");
    return `${configHash({ ...config, seed: 0 })} ${config.model.initialWeights ?? ""}`;
  } catch {
    return undefined;
  }
}

/** A group has the name of its first run; where names repeat, with what differs in the configuration. */
function groupLabels(groups: readonly (readonly RunData[])[]): string[] {
  const first = groups.map(([run]) => run!);
  const names = first.map(({ name }) => name);
  const differences = configDifferences(first.map(({ configText }) => configText));
  const telling = differences.filter(({ key }) => key !== "name" && key !== "seed");
  const full = names.map((name, index) => {
    if (names.filter((other) => other === name).length === 1) return name;
    const same = (i: number) => names[i] === name;
    const parts = telling
      .filter(({ values }) => values.some((value, i) => same(i) && value !== values[index]))
      .map(({ key, values }) => `${key.slice(key.lastIndexOf(".") + 1)} ${values[index]!.replace(/^"|"$/g, "")}`);
    return parts.length === 0 ? name : `${name}, ${parts.join(", ")}`;
  });
  const fallback = runLabels(first);
  return full.map((label, index) => (full.filter((other) => other === label).length === 1 ? label : fallback[index]!));
}
