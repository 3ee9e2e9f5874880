/**
 * What differential privacy changes in a round: sums instead of means, a public clip norm that goes down
 * with the broadcast, and a server half that sees public numbers alone.
 */
import { AnabranchError, type Failure } from "@anabranch/engine";
import type { Exchange, RoundContext, ServerState, Upload } from "../algorithms/algorithm.ts";
import type { Vector } from "../params/vector.ts";
import {
  CLIP_NORM,
  jointNorm,
  type MechanismSettings,
  nextClipNorm,
  stageVectors,
  UNCLIPPED,
} from "../privacy/mechanisms/index.ts";
import type { Update } from "../protocol/message.ts";
import type { UpdateDefect } from "./defect.ts";
import type { EventOf } from "./events.ts";
import type { PrivacyAccount, RunPlan } from "./run-plan.ts";

/** Rounding of a clipped float32 vector. */
const TOLERANCE = 1e-6;

/**
 * The exchange as it is summed: sums, which stages noise and divide by a public denominator; nothing measured on single
 * updates; and the vectors that stages add.
 */
export function privateExchange(exchange: Exchange, settings: MechanismSettings): Exchange {
  const summed = Object.entries(exchange.up).map(([name, upload]): [string, Upload] => {
    return [name, { ...upload, aggregation: "sum", drift: false }];
  });
  const added = Object.entries(stageVectors(settings)).map(([name, layout]): [string, Upload] => {
    return [name, { layout, aggregation: "sum" }];
  });
  return { ...exchange, up: Object.fromEntries([...summed, ...added]) };
}

/** The public scalars that go down in a round: with privacy its clip norm. */
export function publicScalars(
  plan: RunPlan,
  server: ServerState,
  round: number,
  learningRate: number,
): Readonly<Record<string, number>> {
  const { privacy } = plan.stages;
  if (privacy === undefined) return {};
  const base = privacy.adaptive === undefined ? privacy.clipNorm : (server.scalars[CLIP_NORM] ?? privacy.clipNorm);
  const context = publicContext(plan, privacy.denominator, { round, learningRate });
  return { [CLIP_NORM]: plan.algorithm.privacy?.clipNorm?.(server, base, context) ?? base };
}

/**
 * Why an update may not enter a private sum, undefined where it may: one that is beyond the clip norm would break the
 * guarantee of all, whoever sent it. Under noise of the clients' own only its being finite can be told.
 */
export function privacyDefect(
  update: Update,
  { stages }: RunPlan,
  scalars: Readonly<Record<string, number>>,
): UpdateDefect | undefined {
  const { privacy } = stages;
  if (privacy === undefined) return undefined;
  try {
    const { [UNCLIPPED]: vote, ...vectors } = update.vectors;
    const norm = jointNorm(vectors);
    if (vote !== undefined && Math.abs(vote[0]!) !== 0.5)
      return { code: "update/vote", message: `a vote on the clip norm is 0.5 or -0.5, not ${vote[0]}` };
    const bound = scalars[CLIP_NORM]!;
    if (privacy.noise !== "central" || norm <= bound * (1 + TOLERANCE)) return undefined;
    return { code: "update/clip", message: `the update has norm ${norm}, beyond the clip norm ${bound}` };
  } catch (error) {
    if (!(error instanceof AnabranchError)) throw error;
    return { code: error.code, message: error.message };
  }
}

/**
 * Why what came is not released, undefined where it is: always under central noise (an empty round is noised and
 * counted), otherwise with the shares of enough survivors; without privacy where there is anything.
 */
export function unreleased({ stages: { privacy } }: RunPlan, clients: number, cohort: number): Failure | undefined {
  if (privacy?.noise === "central") return undefined;
  if (clients === 0) return { code: "round/no-updates", message: `all ${cohort} clients of the cohort failed` };
  const fewest = privacy?.minimumSurvivors ?? 1;
  if (clients >= fewest) return undefined;
  const message = `${clients} clients finished, fewer than privacy.minimumSurvivors = ${fewest}`;
  return { code: "round/too-few", message };
}

/**
 * The context of a server half that is told public numbers alone: the configured number of local steps, and as cohort the
 * expected one under privacy (the realised one would be a release of its own) or the survivors of a secure sum. Throws
 * `privacy/steps` where a method asks for steps that are not public.
 */
export function publicContext(
  { algorithm, layout, population, localSteps }: RunPlan,
  cohortSize: number,
  { round, learningRate }: { readonly round: number; readonly learningRate: number },
): RoundContext {
  const steps = (): number => {
    if (localSteps !== undefined) return localSteps;
    throw new AnabranchError({
      code: "privacy/steps",
      message: `${algorithm.name} divides by the number of local steps, which differs between clients and is not public`,
      where: "training.localEpochs",
      expected: "the same number for all: training.localSteps",
      advice: "Set training.localSteps instead of training.localEpochs.",
    });
  };
  return {
    round,
    population,
    learningRate,
    layout,
    cohortSize,
    get localSteps() {
      return steps();
    },
    get weightedSteps() {
      return steps();
    },
  };
}

/** The state after a server half, with the clip norm that the clients' votes lead to. */
export function withNextClipNorm(
  next: ServerState,
  { adaptive }: MechanismSettings,
  clipNorm: number,
  vote: Vector | undefined,
): ServerState {
  if (adaptive === undefined) return next;
  return { ...next, scalars: { ...next.scalars, [CLIP_NORM]: nextClipNorm(clipNorm, vote![0]!, adaptive) } };
}

type Spent = NonNullable<EventOf<"round.finished">["privacy"]>;

/** What all rounds so far cost, as events tell it; nothing without privacy. */
export function spentAfter({ account }: RunPlan, rounds: number): { readonly privacy?: Spent } {
  if (account === undefined) return {};
  return { privacy: spentBy(account, rounds) };
}

function spentBy(account: PrivacyAccount, rounds: number): Spent {
  const { accountant, delta, recorded } = account;
  const epsilon = (done: number) => {
    const value = account.epsilonAfter(done);
    return Number.isFinite(value) ? value : null;
  };
  return {
    epsilon: epsilon(rounds),
    delta,
    accountant,
    ...(recorded.before.length === 0 ? {} : { before: epsilon(0) }),
    ...(recorded.covered ? {} : { covered: false }),
  };
}

type Start = EventOf<"run.started">;

/** What `run.started` tells of a private run. */
export function privacyAtStart(
  { account, stages: { privacy } }: RunPlan,
  rounds: number,
): Partial<Pick<Start, "noiseMultiplier" | "privacyAssumptions" | "privacySpent" | "privacyAccount" | "testCovered">> {
  return {
    ...(privacy === undefined ? {} : { noiseMultiplier: privacy.noiseMultiplier }),
    ...(account === undefined
      ? {}
      : {
          privacyAssumptions: [...account.assumptions],
          privacySpent: spentBy(account, rounds),
          privacyAccount: account.recorded,
          ...(account.testOnClients === true ? { testCovered: false } : {}),
        }),
  };
}

/** Whether another round after these would exceed the run's target. */
export function isSpent({ account }: RunPlan, rounds: number): boolean {
  if (account?.targetEpsilon === undefined) return false;
  return !(account.epsilonAfter(rounds + 1) <= account.targetEpsilon);
}
