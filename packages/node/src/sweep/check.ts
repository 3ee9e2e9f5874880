import { type Config, type ExecutorIdentity, prepareRun } from "@anabranch/core";
import { loadData, loadOwn } from "../run/configured.ts";
import { choicesOf, type PlannedRun, type Sweep } from "./expand.ts";
import { type Problem, problemOf, sweepError } from "./problems.ts";
import { describeValues } from "./values.ts";

/** A check runs nothing: what computes does not matter. */
const NOTHING_RUNS: ExecutorIdentity = { name: "none", version: "", fingerprint: "", float: "float32" };

type Data = Awaited<ReturnType<typeof loadData>>;

/**
 * Prepares every run of a sweep as if it were to start, but for seeds: data, model, method and their programs. What only
 * shows there (an option that does not fit the model) is found before the first run has begun.
 *
 * @throws `config/sweep` with all that is wrong; a single problem keeps its own code
 */
export async function checkSweep(sweep: Sweep, dataDir: string | undefined, where: string): Promise<void> {
  const problems: Problem[] = [];
  const datasets = new Map<string, Promise<Data>>();
  for (const planned of distinctRuns(sweep)) {
    try {
      await prepare(planned.config, dataDir, datasets);
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

async function prepare(
  config: Config,
  dataDir: string | undefined,
  datasets: Map<string, Promise<Data>>,
): Promise<void> {
  const own = await loadOwn(config, ".");
  const key = datasetKey(config);
  const data = datasets.get(key) ?? loadData(config, ".", dataDir ?? config.data.dataDir);
  datasets.set(key, data);
  prepareRun(config, await data, NOTHING_RUNS, 0, "check", own);
}

/** The same for configurations that load the same data; computed clients depend on the seed and all options. */
function datasetKey({ data, seed }: Config): string {
  const { dataset, file, dataDir } = data;
  return JSON.stringify(dataset === "synthetic" && file === undefined ? [data, seed] : [dataset, file, dataDir]);
}
