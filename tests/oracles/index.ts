import { asynchronous } from "./asynchronous.ts";
import { averaging } from "./averaging.ts";
import { clusters } from "./clusters.ts";
import { communication } from "./communication.ts";
import { continual } from "./continual.ts";
import { convolved } from "./convolved.ts";
import { decentralised } from "./decentralised.ts";
import { differences } from "./diff2.ts";
import { dualAdapters } from "./dual-adapters.ts";
import { rffl } from "./esteem.ts";
import { generated } from "./generated.ts";
import { participation } from "./participation.ts";
import { personal } from "./personal.ts";
import type { Vector } from "./plain.ts";
import { preconditioned } from "./preconditioned.ts";
import { principal } from "./principal.ts";
import { privateMethods } from "./private.ts";
import { Options, type Oracle, type PointsProblem, type Problem } from "./problem.ts";
import { ranked } from "./ranked.ts";
import { seeded } from "./seeded.ts";
import { sharpness } from "./sharpness.ts";
import { slices } from "./slices.ts";
import { split } from "./split.ts";
import { statistics } from "./statistics.ts";
import { variance } from "./variance.ts";

/** One program for each method, by the name users type. */
export const oracles: Readonly<Record<string, Oracle | Oracle<PointsProblem>>> = {
  ...averaging,
  ...asynchronous,
  ...variance,
  ...sharpness,
  ...participation,
  ...preconditioned,
  ...privateMethods,
  ...differences,
  ...decentralised,
  ...ranked,
  ...personal,
  rffl,
  ...principal,
  ...communication,
  ...continual,
  ...seeded,
  ...clusters,
  ...slices,
  ...convolved,
  ...generated,
  ...statistics,
  ...dualAdapters,
  ...split,
};

/** A method with its options, on one of the fixture's problems with changes. */
export interface GoldenTrace {
  readonly algorithm: { readonly name: string; readonly [option: string]: unknown };
  readonly problem: string;
  readonly changes?: Partial<Problem> | Partial<PointsProblem>;
  /** Global parameters after every round, the shared ones alone, to ten decimals. */
  readonly rounds: readonly (readonly number[])[];
}

/** tests/fixtures/golden-traces.json */
export interface GoldenTraces {
  readonly problems: Readonly<Record<string, Problem | PointsProblem>>;
  readonly traces: readonly GoldenTrace[];
}

/** The rounds of a trace, derived by the method's oracle. Throws where there is none, or one that ignores an option. */
export function derive({ problems }: GoldenTraces, { algorithm, problem, changes }: GoldenTrace): Vector[] {
  const { name, ...values } = algorithm;
  // which problem a method needs is the choice of its trace
  const oracle = Object.hasOwn(oracles, name) ? (oracles[name] as Oracle<Problem | PointsProblem>) : undefined;
  if (oracle === undefined)
    throw new Error(`tests/oracles has no program for ${name}: write one and list it in index.ts`);
  const options = new Options(values);
  const rounds = oracle({ ...problems[problem]!, ...changes }, options);
  const unread = options.unread();
  if (unread.length > 0) throw new Error(`the oracle of ${name} ignores the options ${unread.join(", ")}`);
  return rounds;
}
