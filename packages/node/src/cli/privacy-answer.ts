import { boundText, explain, type PrivacyStatement } from "@anabranch/core";
import { formatCount } from "../terminal/format.ts";
import type { Output } from "./output.ts";
import type { PrivacySpec } from "./privacy-spec.ts";
import { labelled } from "./text.ts";

export interface PrivacyAnswer {
  readonly statement: PrivacyStatement;
  readonly spec: PrivacySpec;
  readonly noiseMultiplier: number;
  readonly rounds: number;
}

/** The answer as `--json` has it; an infinite epsilon is null. */
export function privacyDocument(answer: PrivacyAnswer) {
  const { statement, spec, noiseMultiplier, rounds } = answer;
  return {
    epsilon: Number.isFinite(statement.epsilon) ? statement.epsilon : null,
    delta: statement.delta,
    noiseMultiplier,
    rounds,
    sampling: spec.sampling,
    samplingRate: spec.samplingRate,
    population: spec.population,
    cohort: spec.cohort,
    accountant: statement.accountant,
    lowerBound: statement.lowerBound ?? null,
    order: statement.order ?? null,
    adjacency: statement.adjacency,
    meaning: meaningOf(answer),
    assumptions: statement.assumptions,
    warnings: statement.warnings,
  };
}

/** The same for people, with what was asked for in front. */
export function privacyText(answer: PrivacyAnswer, asked: Asked, { width, colours }: Output): string[] {
  const { statement, spec, noiseMultiplier, rounds } = answer;
  const { epsilon, delta, lowerBound, order } = statement;
  const bracket = lowerBound === undefined ? "" : `, the true value is at least ${figure(lowerBound, Math.floor)}`;
  const byOrder = order === undefined ? "" : `, order ${order}`;
  const pairs: Readonly<Record<string, string>> = {
    epsilon: `${figure(epsilon)} at delta ${delta}${bracket}`,
    "noise multiplier": upTo5(noiseMultiplier),
    rounds: formatCount(rounds),
    sampling: samplingText(spec),
    accountant: `${statement.accountant}${byOrder}`,
  };
  const head = Object.keys(pairs).sort((a, b) => Number(b === asked) - Number(a === asked));
  const bold = (label: string) => (label === asked ? colours.bold(pairs[label]!) : pairs[label]!);
  return [
    ...labelled(
      head.map((label) => [label, bold(label)] as const),
      width,
      "",
    ),
    "",
    ...labelled(
      [
        ...meaningOf(answer).map((text) => ["meaning", text] as const),
        ...statement.assumptions.map((text) => ["assumed", text] as const),
        ...statement.warnings.map((text) => [colours.yellow("warning"), text] as const),
      ],
      width,
      "",
    ),
  ];
}

type Asked = "epsilon" | "noise multiplier" | "rounds";

function meaningOf({ statement, spec, noiseMultiplier, rounds }: PrivacyAnswer): string[] {
  return explain(statement, spec.events(noiseMultiplier, rounds), spec.context);
}

function samplingText({ sampling, samplingRate, population, cohort }: PrivacySpec): string {
  if (sampling === "fixed-size") return `cohorts of ${cohort} of ${population} clients, without replacement`;
  if (sampling === "random-allocation") {
    return `random allocation, each client once in every ${Math.round(1 / samplingRate)} rounds`;
  }
  if (sampling === "none") return "not counted, as if all clients took part in every round";
  if (samplingRate === 1) return "none: all clients take part in every round";
  return `Poisson, each client with probability ${upTo5(samplingRate)} per round`;
}

/** Below this, four digits after the point would leave nothing. */
const SMALL = 1e-3;

/** Four digits after the point (of small values: four significant ones), rounded so that a bound stays one: epsilon up, a lower end down. */
export function figure(value: number, round = Math.ceil): string {
  if (!Number.isFinite(value)) return "infinite";
  if (value < SMALL) return round === Math.ceil ? boundText(value) : downTo4(value);
  // A value that has four digits already is left as it is, whatever rounding made of it.
  const scaled = value * 1e4;
  const near = Math.round(scaled);
  return ((Math.abs(scaled - near) < 1e-6 ? near : round(scaled)) / 1e4).toFixed(4);
}

/** Four significant digits, rounded down. */
function downTo4(value: number): string {
  const step = 10 ** (Math.floor(Math.log10(value || 1)) - 3);
  return String(Number((Math.floor(value / step) * step).toPrecision(4)));
}

/** Five significant digits at most, rounded up so that a noise multiplier still meets its target. */
export function upTo5(value: number): string {
  const scale = 10 ** (4 - Math.floor(Math.log10(value || 1)));
  return String(Number((Math.ceil(value * scale - 1e-9) / scale).toPrecision(5)));
}
