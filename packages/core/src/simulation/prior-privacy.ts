import { AnabranchError } from "@anabranch/engine";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import {
  type Accountant,
  type Adjacency,
  assumptionsOf,
  type PrivacyContext,
  type PrivacyEvent,
  type RecordedRun,
} from "../privacy/accounting/index.ts";
import type { Warning } from "../round/backend.ts";
import type { Start } from "./initial-weights.ts";

/** What a private run must count beside its own rounds, as it started from weights that were trained before. */
export interface Prior {
  /** Private runs that its epsilon includes. */
  readonly runs: readonly RecordedRun[];
  /** Whether epsilon includes all that the initial weights were trained on. */
  readonly covered: boolean;
  readonly assumptions: readonly string[];
  readonly warnings: readonly Warning[];
}

/** Random weights: nothing was spent on them. */
export const NOTHING_BEFORE: Prior = { runs: [], covered: true, assumptions: [], warnings: [] };

/** What epsilon of this run is about; runs about anything else do not add up with it. */
export interface About {
  readonly unit: NonNullable<PrivacyContext["unit"]>;
  readonly adjacency: Adjacency;
  /** Hash of the data and their partition. */
  readonly data: string;
}

/** What to count for initial weights: the runs that their file records, or an open word that they are not covered. */
export function priorOf(start: Start | undefined, about: About): Prior {
  if (start === undefined) return NOTHING_BEFORE;
  const { spent } = start;
  if ("unusable" in spent) return uncovered(spent.unusable);
  const { unit, runs } = spent;
  if (unit !== about.unit) return uncovered(`their run protects ${unit}, this one ${about.unit}`);
  const adjacency = runs.flatMap(({ events }) => events)[0]?.adjacency ?? about.adjacency;
  if (adjacency !== about.adjacency) {
    return uncovered(`their run's epsilon is about ${adjacency}, that of this run about ${about.adjacency}`);
  }
  const counted = countedRuns(runs, about);
  if (spent.covered) return counted;
  const gap = uncovered("the first of the runs that made them started from weights without a record");
  return {
    runs,
    covered: false,
    assumptions: [...gap.assumptions, ...counted.assumptions],
    warnings: [...gap.warnings, ...counted.warnings],
  };
}

function countedRuns(runs: readonly RecordedRun[], { unit, data }: About): Prior {
  const rounds = runs.reduce((sum, run) => sum + run.rounds, 0);
  const counted = `initial weights: epsilon includes the ${rounds} private round${rounds === 1 ? "" : "s"} that made them; the record of these in their file is trusted`;
  const grounds = runs.flatMap(({ events, noise }) => assumptionsOf(events, { unit, noise }));
  const moved = runs.some((run) => run.data !== data);
  const one =
    unit === "clients" ? "a client whose data are one client's in each run" : "a record that is one in each run";
  const elsewhere = `they were trained on other data, or on another partition of them: epsilon is for ${one}`;
  return {
    runs,
    covered: true,
    assumptions: [counted, ...(moved ? [`initial weights: ${elsewhere}`] : []), ...grounds],
    warnings: moved
      ? [
          {
            code: "privacy/initial-weights",
            message: `Epsilon includes what was spent on the initial weights, but ${elsewhere}.`,
          },
        ]
      : [],
  };
}

function uncovered(why: string): Prior {
  return {
    runs: [],
    covered: false,
    assumptions: [`initial weights: epsilon does not cover the data that they were trained on (${why})`],
    warnings: [
      {
        code: "privacy/initial-weights",
        message: `Epsilon does not cover the data that the initial weights were trained on (${why}). It does not hold for clients whose data were used there.`,
      },
    ],
  };
}

/** What the counted runs released. Throws `config/conflict` for events that the accountant of this run has no formula for. */
export function eventsBefore({ runs }: Prior, { privacy }: Config, accountant: Accountant): readonly PrivacyEvent[] {
  const before = runs.flatMap(({ events }) => events);
  try {
    accountant.epsilon(before, privacy.delta);
    return before;
  } catch (error) {
    if (!(error instanceof AnabranchError && error.code === "privacy/unsupported")) throw error;
    const other = accountant.name === "rdp" ? '"pld"' : '"rdp"';
    throw conflict(
      "privacy.accountant",
      `"${accountant.name}", with model.initialWeights from a run of ${error.failure.received}`,
      other,
      `Epsilon includes what was spent on the initial weights, and only the accountant ${other} composes both.`,
    );
  }
}
