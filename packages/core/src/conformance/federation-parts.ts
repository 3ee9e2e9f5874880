import { type Executor, interpreter } from "@anabranch/engine";
import { openDataSource } from "../client/data-source.ts";
import type { Config } from "../config/index.ts";
import type { LocalExamples } from "../live/client-report.ts";
import { describeTask, heldBlob, type OpenTask, openTask, type TaskDescription } from "../live/task-description.ts";
import type { Curves } from "../privacy/secure-aggregation/curves.ts";
import type { Evaluator } from "../round/backend.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import type { PreparedRun } from "../simulation/prepare.ts";
import { quickCurves } from "./quick-curves.ts";

/** What all simulated federations of a run share, whatever their seed: it is made once, and nothing changes it. */
export interface FederationParts {
  readonly description: TaskDescription;
  /** Initial weights that clients cannot derive. */
  readonly held: Uint8Array | undefined;
  readonly executor: Executor;
  readonly curves: Curves;
  readonly evaluator: Evaluator;
  readonly openTask: typeof openTask;
  examplesOf(client: number): LocalExamples;
}

const known = new WeakMap<PreparedRun, Promise<FederationParts>>();
const executor = interpreter();
const curves = quickCurves();

export function federationParts(config: Config, prepared: PreparedRun): Promise<FederationParts> {
  const parts = known.get(prepared) ?? makeParts(config, prepared);
  known.set(prepared, parts);
  return parts;
}

async function makeParts(config: Config, prepared: PreparedRun): Promise<FederationParts> {
  const { simulation } = prepared;
  const { train, holdout } = simulation;
  const { evaluator } = await inProcessSimulation(simulation, executor);
  let opened: OpenTask | undefined;
  return {
    ...{ executor, curves, evaluator, description: describeTask(config, prepared) },
    held: heldBlob(config, prepared),
    openTask(...given) {
      opened ??= openTask(...given);
      return opened;
    },
    examplesOf: (client) => ({
      train: openDataSource(train).load(client),
      holdout: holdout === undefined ? undefined : openDataSource(holdout).load(client),
    }),
  };
}
