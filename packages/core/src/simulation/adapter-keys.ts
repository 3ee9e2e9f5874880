import { adapterKinds } from "../config/adapters-schema.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { configuredShards } from "../config/model-section.ts";

/** Refuses (`config/conflict`) keys of adapters that nothing reads, and those that do not go together. */
export function requireAdapterKeys(config: Config): void {
  requireChoice(config);
  requireSelection(config);
  requireOneKind(config);
  requirePool(config);
  requireShards(config);
}

/** Refuses keys that are given and that nothing reads; `remedy`: what would have them read. */
function refuseUnread(given: Readonly<Record<string, unknown>>, received: string, remedy: string): void {
  for (const [key, value] of Object.entries(given))
    if (value !== undefined)
      throw conflict(key, `${JSON.stringify(value)}, ${received}`, "nothing", `Remove ${key}, or set ${remedy}.`);
}

/** A selection of weights needs adapters of one rank, whose factors are averaged. */
function requireSelection({ adapters: { select, selectAfter, rank, rule, controller } }: Config): void {
  const refuse = (key: string, received: string, expected: string, advice: string): never => {
    throw conflict(`adapters.${key}`, received, expected, advice);
  };
  if (select === undefined) {
    refuseUnread({ "adapters.selectAfter": selectAfter }, "without adapters.select", "adapters.select");
    return;
  }
  if (controller === "fedspine") {
    const advice =
      "A bandit compares rounds with each other, and this one would change: name adapters.targets instead.";
    refuse("controller", `"${controller}", with adapters.select`, "nothing", advice);
  }
  if (rank === undefined)
    refuse("select", `${select}, without adapters.rank`, "nothing", "Set adapters.rank, or remove adapters.select.");
  if (rule === "ffa" || rule === "fed-sb" || rule === "flora")
    refuse(
      "rule",
      `"${rule}", with adapters.select`,
      '"fedit", "lora-fair", "zero-pad" or "flexlora"',
      "Scores are of both factors, which train and stay what they are over rounds.",
    );
}

/** Two kinds of adapters, or one of the others with what is made for low-rank ones. */
function requireOneKind({ adapters }: Config): void {
  const kinds = adapterKinds.filter((kind) => adapters[kind] !== undefined);
  const [kind] = kinds.filter((one) => one !== "rank");
  if (kind === undefined) return;
  const refuse = (key: string, value: unknown, advice: string, expected = "nothing"): never => {
    throw conflict(`adapters.${key}`, `${JSON.stringify(value)}, with adapters.${kind}`, expected, advice);
  };
  const other = kinds.find((one) => one !== kind);
  const advice = `A run has one kind of adapters. Remove adapters.${other} or adapters.${kind}.`;
  if (other !== undefined) refuse(other, adapters[other], advice, "one of the two");
  const { alpha, lambda, targets, rule } = adapters;
  const unused = {
    lambda,
    alpha: kind === "shards" ? undefined : alpha,
    targets: kind === "shards" || kind === "bottleneck" || targets.length === 0 ? undefined : targets,
  };
  for (const [key, value] of Object.entries(unused))
    if (value !== undefined) refuse(key, value, `Nothing reads it there. Remove adapters.${key}.`);
  if (kind === "shards" && rule !== "fedit" && rule !== "ffa") {
    const next = "Clients share pools, which are averaged. Take one of the two, or low-rank adapters: adapters.rank.";
    throw conflict("adapters.rule", `"${rule}", with adapters.shards`, '"fedit" or "ffa"', next);
  }
  if (kind !== "shards" && rule !== "fedit") refuse("rule", rule, "Rules combine factors. Remove adapters.rule.");
}

/** Options of shards without them, and pools that a weight cannot be put together from. */
function requireShards(config: Config): void {
  const { shards, shardPool, shardPieces, shardPrivate, shardSeed } = config.adapters;
  if (shards === undefined) {
    const read = { "adapters.shardPool": shardPool, "adapters.shardPieces": shardPieces };
    const others = { "adapters.shardPrivate": shardPrivate, "adapters.shardSeed": shardSeed };
    refuseUnread({ ...read, ...others }, "without shards", "adapters.shards");
    return;
  }
  const { pool } = configuredShards(config)!;
  if (pool > shards) {
    const advice = "Some of the pool would be unused: lower adapters.shardPool.";
    throw conflict("adapters.shardPool", `${pool}, with adapters.shards = ${shards}`, `1 to ${shards}`, advice);
  }
  if (shardPrivate === undefined || shardPrivate < pool || (shardPrivate === pool && pool === shards)) return;
  throw conflict(
    "adapters.shardPrivate",
    `${shardPrivate}, with adapters.shardPool = ${pool}`,
    `0 to ${pool - 1}`,
    "The other vectors of a weight are taken from the rest of the pool: lower it, or raise adapters.shardPool.",
  );
}

/** Options of a pool without one, and a loss beside its own. */
function requirePool({ adapters: { pool, poolTop, keyWeight }, training: { loss } }: Config): void {
  if (pool === undefined) {
    const read = { "adapters.poolTop": poolTop, "adapters.keyWeight": keyWeight };
    refuseUnread(read, "without a pool", "adapters.pool");
    return;
  }
  if (loss.adjustment === "none" && loss.margin === 0 && loss.confusion === 0) return;
  const advice = "A pool has a loss of its own. Remove training.loss.";
  throw conflict("training.loss", `"${loss.adjustment}", with adapters.pool`, '"none"', advice);
}

/** Refuses what only a controller reads where there is none or another, and a controller without ranks to choose from. */
function requireChoice({ adapters, devices: { memory }, schedule }: Config): void {
  const { controller, rank, rule, batches, bits, pruned, exploration, timeWeight } = adapters;
  if (controller !== undefined && !Array.isArray(rank))
    throw conflict(
      "adapters.controller",
      `"${controller}", with adapters.rank = ${rank ?? "nothing"}`,
      "a list of ranks",
      `Name the ranks to choose from, e.g. adapters.rank = [${rank ?? "8, 4"}].`,
    );
  const readers = {
    fedpipe: { "adapters.batches": batches, "adapters.bits": bits, "devices.memory": memory },
    fedspine: { "adapters.pruned": pruned, "adapters.exploration": exploration, "adapters.timeWeight": timeWeight },
  };
  const beside = controller === undefined ? "without a controller" : `with "${controller}"`;
  for (const [reader, keys] of Object.entries(readers))
    if (reader !== controller) refuseUnread(keys, beside, `adapters.controller = "${reader}"`);
  if (controller !== "fedspine") return;
  if (rule !== "flexlora")
    throw conflict(
      "adapters.controller",
      `"fedspine", with adapters.rule = "${rule}"`,
      'adapters.rule = "flexlora"',
      "What pruned clients of other ranks send is put back in place and factored anew.",
    );
  for (const key of ["keep", "deadline"] as const)
    if (schedule[key] !== undefined)
      throw conflict(
        `schedule.${key}`,
        `${schedule[key]}, with adapters.controller = "fedspine"`,
        "nothing",
        "A bandit learns how long its own choices take, and a round waits for all. Remove it.",
      );
}
