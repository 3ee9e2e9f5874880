/** What a private run has spent of its privacy budget. */
import type { EventOf } from "./events.ts";
import type { PrivacyAccount, RunPlan } from "./run-plan.ts";

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
export function budgetExhausted({ account }: RunPlan, rounds: number): boolean {
  if (account?.targetEpsilon === undefined) return false;
  return !(account.epsilonAfter(rounds + 1) <= account.targetEpsilon);
}
