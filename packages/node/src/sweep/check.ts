import { AnabranchError, type Config, type ExecutorIdentity, type PreparedRun } from "@anabranch/core";
import { loadOwn, prepareConfigured } from "../run/configured.ts";
import { choicesOf, type PlannedRun, type Sweep } from "./expand.ts";
import { type Problem, problemOf, sweepError } from "./problems.ts";
import { openSweepData, type SweepData } from "./sweep-data.ts";
import { describeValues } from "./values.ts";

/** A check runs nothing: what computes does not matter. */
const NOTHING_RUNS: ExecutorIdentity = { name: "none", version: "", fingerprint: "", float: "float32" };

/**
 * Prepares every run of a sweep as if it were to start, but for seeds: data, model, method and their programs. What only
 * shows there (an option that does not fit the model) is found before the first run has begun.
 *
 * @throws `config/sweep` with all that is wrong; a single problem keeps its own code
 */
export async function checkSweep(sweep: Sweep, dataDir: string | undefined, where: string): Promise<void> {
  const problems: Problem[] = [];
  const data = openSweepData(dataDir);
  const tuned = new Set(sweep.tunings.map(({ variant }) => variant));
  for (const planned of distinctRuns(sweep)) {
    try {
      const { plan } = await prepare(planned.config, data);
      if (plan.account?.testOnClients === true && tuned.has(planned.variant)) throw tunedOnClients();
    } catch (error) {
      const at = describeValues(planned.values);
      problems.push(problemOf(error, `variant "${planned.variant}"${at === "" ? "" : ` (${at})`}`));
    }
  }
  if (problems.length > 0) throw sweepError(problems, where);
}

/** One run for each configuration, apart from name, seed and length. */
function distinctRuns(sweep: Sweep): PlannedRun[] {
  const all = [
    ...sweep.cases.flatMap((one) => choicesOf(sweep, one).map((choice) => one.run(one.seeds[0]!, choice))),
    ...sweep.tunings.flatMap(({ candidates }) => candidates),
  ];
  const key = ({ config }: PlannedRun) => JSON.stringify({ ...config, name: "", seed: 0, rounds: 0 });
  return [...new Map(all.toReversed().map((planned) => [key(planned), planned])).values()].toReversed();
}

/** A tuning chooses by test accuracy. */
function tunedOnClients(): AnabranchError {
  return new AnabranchError({
    code: "config/conflict",
    message: "conflicting configuration values",
    where: "tune",
    received: "values chosen by test accuracy, with [privacy] and test examples that are the clients' own",
    expected: "no tuning",
    advice:
      "The choice would leak what epsilon does not cover. Fix the values, or use a test set without client data, e.g. csv:PATH?test=PATH.",
  });
}

async function prepare(config: Config, data: SweepData): Promise<PreparedRun> {
  const makeOwn = await loadOwn(config, ".");
  const loaded = await data.load(config);
  return prepareConfigured(config, loaded, NOTHING_RUNS, 0, "check", makeOwn(loaded));
}
