import type { BeforeStage, RobustRule, SetRule, setRules } from "../aggregation/robust/index.ts";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { capabilitiesOf, requireCapable } from "../pipeline/index.ts";
import type { ScheduleName } from "../schedule/index.ts";
import { scheduleName } from "./configured-schedule.ts";
import type { ResolvedMethod } from "./resolve-method.ts";

type Aggregation = Config["aggregation"];

/** Weiszfeld iterations and smoothing of RFA, and of FLTrust the examples of the server. */
const USUAL_ITERATIONS = 3;
const USUAL_SMOOTHING = 1e-6;

/**
 * The rule of a configuration that sees every update; undefined where updates are averaged as they come. Throws
 * `config/conflict` for what is not sound together.
 */
export function configuredRule(
  config: Config,
  { algorithm, payloads, held }: Pick<ResolvedMethod, "algorithm" | "payloads" | "held">,
): RobustRule | undefined {
  const { aggregation } = config;
  const rule = ruleOf(aggregation);
  if (rule === undefined) return undefined;
  const method = capabilitiesOf(algorithm, payloads);
  const value = `"${rule.name}"`;
  requireCapable("aggregation.rule", value, method);
  if (boundsNorms(rule)) requireCapable("aggregation.rule (norms)", value, method);
  if (rule.name === "fltrust") {
    requireCapable("aggregation.root", value, method);
    requireShared(algorithm, held);
  }
  requireVisibleUpdates(config, rule, scheduleName(config, algorithm));
  return rule;
}

/** The server's own client trains nothing for itself, so its updates would be made around parameters that nobody has. */
function requireShared({ name }: Algorithm, held: ResolvedMethod["held"]): void {
  if (held === undefined || held.split.personal.size === 0) return;
  const personal = held.split.personal.entries.map((entry) => entry.name).join(", ");
  throw conflict(
    "aggregation.rule",
    `"fltrust", with algorithm.name = "${name}" and personal parameters (${personal})`,
    "a rule without data of the server",
    "The server's own client has no personal parameters. Choose another rule, or share all parameters.",
  );
}

function ruleOf(aggregation: Aggregation): RobustRule | undefined {
  const { rule = "mean", before } = aggregation;
  if (rule === "mean" && before === undefined) return undefined;
  const stages = before?.map((name) => stageOf(name, aggregation));
  return { ...plainRule(rule, aggregation), ...(stages === undefined ? {} : { before: stages }) };
}

/** Keys that a rule needs are there: the configuration was checked. */
function plainRule(name: (typeof setRules)[number], given: Aggregation): SetRule {
  const { byzantine = 0, ratio, neighbours, average, mode, iterations, smoothing, tolerance, radius, norm } = given;
  switch (name) {
    case "norm-bound":
      return { name, norm: norm! };
    case "trimmed-mean":
      return ratio === undefined ? { name, byzantine } : { name, ratio };
    case "krum":
      return { name, byzantine, neighbours };
    case "multi-krum":
      return { name, byzantine, neighbours, average, mode };
    case "meamed":
    case "phocas":
    case "bulyan":
    case "minimum-diameter":
      return { name, byzantine };
    case "geometric-median":
      return {
        name,
        iterations: iterations ?? USUAL_ITERATIONS,
        smoothing: smoothing ?? USUAL_SMOOTHING,
        tolerance: tolerance ?? 0,
      };
    case "centred-clipping":
      return { name, radius: radius!, iterations: iterations ?? 1 };
    default:
      return { name };
  }
}

function stageOf(name: BeforeStage["name"], { byzantine = 0, norm, bucketSize = 2 }: Aggregation): BeforeStage {
  if (name === "bucketing") return { name, size: bucketSize };
  if (name === "norm-bound") return { name, norm: norm! };
  return { name, byzantine };
}

/** Whether a rule measures updates from zero: for changes to a model and not for models. */
function boundsNorms({ name, before = [] }: RobustRule): boolean {
  const bounding = ["norm-bound", "adaptive-clipping", "centred-clipping", "fltrust"];
  return [name, ...before.map((stage) => stage.name)].some((part) => bounding.includes(part));
}

/** A rule looks at single updates, of which each client of a round sends one. */
function requireVisibleUpdates({ privacy, secureAggregation }: Config, rule: RobustRule, schedule: ScheduleName): void {
  const beside = [rule.name, ...(rule.before ?? []).map(({ name }) => name)].join('", "');
  if (privacy.mechanism !== "none") {
    throw conflict(
      "aggregation.rule",
      `"${beside}", with privacy.mechanism = "${privacy.mechanism}"`,
      '"mean"',
      "The guarantee is for a noised sum of clipped updates. The clip norm already bounds what one client can do.",
    );
  }
  if (secureAggregation.protocol !== "none") {
    throw conflict(
      "aggregation.rule",
      `"${beside}", with secureAggregation.protocol = "${secureAggregation.protocol}"`,
      '"mean"',
      'The server sees only a sum, and the rule needs every update. Set secureAggregation.protocol = "none".',
    );
  }
  const single = ["mean", "norm-bound"];
  const countsUpdates = [rule.name, ...(rule.before ?? []).map(({ name }) => name)].some((n) => !single.includes(n));
  if (schedule === "synchronous" || !countsUpdates) return;
  const why =
    schedule === "buffered"
      ? "A fast client may send several updates of one round, more than aggregation.byzantine."
      : "How many updates a round has depends on who has arrived, which aggregation.byzantine is not made for.";
  throw conflict(
    "aggregation.rule",
    `"${beside}", with the schedule "${schedule}"`,
    '"norm-bound"',
    `${why} Set schedule.name = "synchronous".`,
  );
}

const names: Readonly<Record<string, string>> = {
  nnm: "nearest-neighbour mixing",
  "adaptive-clipping": "adaptive clipping",
};

/** What is done, for people: the text of `run.started`. */
export function describeRule(rule: RobustRule): string {
  const { name, before = [], ...options } = rule;
  const set = Object.entries(options).filter(([, value]) => value !== undefined);
  const with_ = set.length === 0 ? "" : ` (${set.map(([key, value]) => `${key} ${value}`).join(", ")})`;
  const first = before.map((stage) => names[stage.name] ?? stage.name);
  return `${name}${with_}${first.length === 0 ? "" : `, after ${first.join(" and ")}`}`;
}
