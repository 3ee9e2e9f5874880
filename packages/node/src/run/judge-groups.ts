import {
  AnabranchError,
  type ArrayDataset,
  columnGroups,
  type GroupFairness,
  groupFairness,
  predictTest,
} from "@anabranch/core";
import { readRunConfig } from "./run-config.ts";
import { type OpenPrepared, openPrepared } from "./simulation.ts";

/** How a run's model serves the groups of its test examples. */
export interface JudgedGroups extends GroupFairness {
  readonly examples: number;
  /** The column, or `owner`: whose the examples are. */
  readonly by: string;
  readonly groupNames: readonly string[];
  /** Clients among whose test examples local disparity is measured; 1 where the data name no owners. */
  readonly clients: number;
  readonly classNames: readonly string[];
}

/** What is judged. */
export interface JudgeOptions {
  /** Column of names whose categories are the groups; default: the owners of the examples. */
  readonly by?: string | undefined;
  readonly dataDir?: string | undefined;
}

/**
 * Loads the data of a run, predicts its test examples with given parameters, and measures the model by group. Own files
 * of the run are executed: their user must have agreed to them.
 *
 * @param parameters of the run's model
 * @throws `fairness/numbers`, `fairness/no-groups`, `fairness/not-predicted`, `data/group-column`, and what loading throws
 */
export async function judgeGroups(
  folder: string,
  parameters: Float32Array | Float64Array,
  { by, dataDir }: JudgeOptions,
): Promise<JudgedGroups> {
  const config = await readRunConfig(folder);
  const opened = await openPrepared(config, config.name, dataDir === undefined ? {} : { dataDir });
  const test = testSet(opened, folder);
  const found = by === undefined ? ownersOf(test, folder) : columnGroups(test, by);
  const predicted = await predictTest(opened.prepared, parameters, opened.executor);
  if (predicted === undefined) throw notPredicted(folder);
  const owners = test.groups === undefined ? undefined : compact(test.groups);
  const count = predicted.classes.length;
  const classes = opened.prepared.model.classes;
  const fairness = groupFairness({
    clients: owners?.numbers ?? new Int32Array(count),
    clientCount: owners?.count ?? 1,
    ...{ groups: found.groups, groupCount: found.names.length },
    ...{ labels: predicted.labels, predictions: predicted.classes, classes },
  });
  return {
    ...fairness,
    examples: count,
    by: by ?? "owner",
    groupNames: found.names,
    clients: owners?.count ?? 1,
    classNames: test.classNames ?? Array.from({ length: classes }, (_, k) => String(k)),
  };
}

function testSet({ prepared }: OpenPrepared, folder: string): ArrayDataset {
  const { dataset, regression } = prepared.federation;
  if (regression !== undefined)
    throw new AnabranchError({
      code: "fairness/numbers",
      message: "disparities are of predicted classes, and this run predicts numbers",
      where: folder,
      expected: "a run whose model predicts classes",
    });
  if (dataset !== undefined) return dataset.test;
  throw noGroups(folder, "synthetic data");
}

/** Only owners that have test examples are groups. */
function ownersOf({ groups, groupNames, table }: ArrayDataset, folder: string) {
  if (groups === undefined)
    throw noGroups(folder, table === undefined ? "data without owners" : "a table without owners");
  const { numbers, known, count } = compact(groups);
  return {
    groups: numbers,
    names: Array.from({ length: count }, (_, i) => groupNames?.[known[i]!] ?? String(known[i])),
  };
}

/** Numbers from 0 without gaps, ascending as the given ones. */
function compact(groups: Int32Array) {
  const known = [...new Set(groups)].sort((a, b) => a - b);
  const place = new Map(known.map((group, i) => [group, i]));
  return { known, count: known.length, numbers: groups.map((group) => place.get(group)!) };
}

function noGroups(folder: string, received: string): AnabranchError {
  return new AnabranchError({
    code: "fairness/no-groups",
    message: "the test examples have no groups",
    where: folder,
    received,
    expected: "data with a column of owners (group=COLUMN), or --by with a column of names",
  });
}

function notPredicted(folder: string): AnabranchError {
  return new AnabranchError({
    code: "fairness/not-predicted",
    message: "the test examples of this run cannot be predicted",
    where: folder,
    expected:
      "single labels of up to 200 classes, evaluation.every above 0, and no private run on clients' own test examples",
  });
}
