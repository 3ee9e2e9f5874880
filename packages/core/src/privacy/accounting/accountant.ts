import { smallest } from "@anabranch/engine";
import { assumptionsOf } from "./assumptions.ts";
import { checkDelta, checkEpsilon, checkParticipation, commonAdjacency } from "./checks.ts";
import { type Adjacency, groupEvents, isSilent, type PrivacyEvent, type PrivacyEventInput } from "./events.ts";
import { squaredMu } from "./gaussian.ts";
import type { PrivacyContext } from "./privacy-context.ts";

export type { PrivacyContext } from "./privacy-context.ts";

export type AccountantName = "rdp" | "pld" | "gaussian";

/** An (epsilon, delta) guarantee with all that it rests on. Infinite epsilon: no guarantee. */
export interface PrivacyStatement {
  readonly accountant: AccountantName;
  readonly epsilon: number;
  readonly delta: number;
  /** The true value of what was asked for is at least this, where the accountant brackets it. */
  readonly lowerBound?: number;
  /** Rényi order that gave the value. */
  readonly order?: number;
  readonly adjacency: Adjacency;
  readonly assumptions: readonly string[];
  readonly warnings: readonly string[];
}

/** Turns what was released into a guarantee. It keeps no account: what was spent is the list of events (`spend`). */
export interface Accountant {
  readonly name: AccountantName;
  /** epsilon at `delta`. Throws for events it has no formula for (`privacy/unsupported`) and for a delta outside (0, 1). */
  epsilon(events: readonly PrivacyEventInput[], delta: number, context?: PrivacyContext): PrivacyStatement;
  /** delta at `epsilon` >= 0. */
  delta(events: readonly PrivacyEventInput[], epsilon: number, context?: PrivacyContext): PrivacyStatement;
}

/** What an accountant computes. */
export interface Bound {
  readonly value: number;
  readonly lower?: number;
  readonly order?: number;
  readonly warnings?: readonly string[];
}

/** The formulas of an accountant, on events that are valid, grouped and of one adjacency. */
export interface Method {
  readonly name: AccountantName;
  /** What the method itself rests on. */
  readonly assumption: string;
  epsilon(events: readonly PrivacyEvent[], delta: number): Bound;
  delta(events: readonly PrivacyEvent[], epsilon: number): Bound;
}

/** Puts checks before and assumptions after the formulas. */
export function accountantOf(method: Method): Accountant {
  const prepare = (events: readonly PrivacyEventInput[], context: PrivacyContext | undefined) => {
    const groups = groupEvents(events);
    checkParticipation(groups, context?.noise);
    return { groups, adjacency: commonAdjacency(groups) };
  };
  const describe = (groups: readonly PrivacyEvent[], delta: number, bound: Bound, context: PrivacyContext = {}) => ({
    assumptions: [...assumptionsOf(groups, context), method.assumption],
    warnings: [...(bound.warnings ?? []), ...warningsOf(groups, delta, context)],
    ...(bound.lower === undefined ? {} : { lowerBound: bound.lower }),
    ...(bound.order === undefined ? {} : { order: bound.order }),
  });
  return {
    name: method.name,
    epsilon(events, delta, context) {
      checkDelta(delta);
      const { groups, adjacency } = prepare(events, context);
      const bound = method.epsilon(groups, delta);
      const more = describe(groups, delta, bound, context);
      return { accountant: method.name, epsilon: bound.value, delta, adjacency, ...more };
    },
    delta(events, epsilon, context) {
      checkEpsilon(epsilon);
      const { groups, adjacency } = prepare(events, context);
      const bound = method.delta(groups, epsilon);
      const more = describe(groups, bound.value, bound, context);
      return { accountant: method.name, epsilon, delta: bound.value, adjacency, ...more };
    },
  };
}

function warningsOf(groups: readonly PrivacyEvent[], delta: number, context: PrivacyContext): string[] {
  const silent = groups.some((event) => isSilent(event) && squaredMu(event) !== 0);
  const sizes = groups.flatMap((event) => (event.kind === "fixed-size-gaussian" ? [event.population] : []));
  const known = context.population === undefined ? sizes : [...sizes, context.population];
  const population = smallest(known);
  return [
    ...(silent ? ["a noise multiplier of 0 adds no noise: there is no privacy guarantee"] : []),
    ...(known.length > 0 && delta >= 1 / population
      ? [
          `delta ${delta} is at least 1/population = ${1 / population}: publishing all data of one random ${context.unit === "records" ? "record" : "client"} would be allowed`,
        ]
      : []),
  ];
}
