import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";

/** Refuses (`config/conflict`) keys of adapters that nothing reads, and those that do not go together. */
export function requireAdapterKeys(config: Config): void {
  requireChoice(config);
  requireBottleneck(config);
  requirePool(config);
}

/** Bottleneck adapters beside low-rank ones, or with what is made for these. */
function requireBottleneck({ adapters }: Config): void {
  const { bottleneck, rank, alpha, lambda, rule } = adapters;
  if (bottleneck === undefined) return;
  const refuse = (key: string, value: unknown, advice: string) => {
    throw conflict(`adapters.${key}`, `${JSON.stringify(value)}, with bottleneck adapters`, "nothing", advice);
  };
  const advice = "Bottleneck adapters are another kind, whose values are averaged. Remove the one or the other.";
  for (const [key, value] of Object.entries({ rank, alpha, lambda }))
    if (value !== undefined) refuse(key, value, advice);
  if (rule !== "fedit") refuse("rule", rule, "Rules combine factors. Remove adapters.rule.");
}

/** A pool beside low-rank adapters, or with what is made for these; and its options without it. */
function requirePool({ adapters, training: { loss } }: Config): void {
  const { pool, rank, bottleneck, rule, targets, alpha, poolTop, keyWeight } = adapters;
  const refuse = (key: string, value: unknown, expected: string, advice: string) => {
    throw conflict(
      key,
      `${JSON.stringify(value)}, ${pool === undefined ? "without" : "with"} a pool`,
      expected,
      advice,
    );
  };
  if (pool === undefined) {
    for (const [key, value] of Object.entries({ poolTop, keyWeight }))
      if (value !== undefined)
        refuse(`adapters.${key}`, value, "nothing", `Remove adapters.${key}, or set adapters.pool.`);
    return;
  }
  const advice = "A pool is another kind of adapter, whose sets are averaged one by one. Remove the one or the other.";
  for (const [key, value] of Object.entries({
    rank,
    bottleneck,
    alpha,
    targets: targets.length > 0 ? targets : undefined,
  }))
    if (value !== undefined) refuse(`adapters.${key}`, value, "nothing", advice);
  if (rule !== "fedit") refuse("adapters.rule", rule, "nothing", "Rules combine factors. Remove adapters.rule.");
  if (loss.adjustment !== "none" || loss.margin > 0 || loss.confusion > 0)
    refuse("training.loss", loss.adjustment, '"none"', "A pool has a loss of its own. Remove training.loss.");
}

/** Refuses what only a controller reads where there is none, and a controller without ranks to choose from. */
function requireChoice({ adapters: { controller, rank, batches, bits }, devices: { memory } }: Config): void {
  if (controller !== undefined) {
    if (Array.isArray(rank)) return;
    throw conflict(
      "adapters.controller",
      `"${controller}", with adapters.rank = ${rank ?? "nothing"}`,
      "a list of ranks",
      `Name the ranks to choose from, e.g. adapters.rank = [${rank ?? "8, 4"}].`,
    );
  }
  for (const [key, value] of Object.entries({
    "adapters.batches": batches,
    "adapters.bits": bits,
    "devices.memory": memory,
  }))
    if (value !== undefined)
      throw conflict(
        key,
        `[${value.join(", ")}], without a controller`,
        "nothing",
        `Remove ${key}, or set adapters.controller = "fedpipe".`,
      );
}
