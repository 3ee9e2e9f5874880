import { percent, shown } from "../view/run-facts.ts";
import type { ListedRun } from "./listed-run.ts";

type Measured = Pick<ListedRun, "finalAccuracy" | "finalRmse" | "finalR2" | "testNote">;

/** How good the model of a listed run is. */
export interface ListQuality {
  readonly label: "Accuracy" | "RMSE";
  readonly value: string;
  /** What is shown smaller beside it. */
  readonly note: string;
}

/** The last accuracy; of a run that predicts numbers, its last error in units of the target, and R2 beside it. */
export function listQuality({ finalAccuracy, finalRmse, finalR2, testNote }: Measured): ListQuality {
  if (finalRmse === null) return { label: "Accuracy", value: percent(finalAccuracy ?? Number.NaN), note: testNote };
  const r2 = finalR2 === null ? "" : `R2 ${finalR2.toFixed(3)}`;
  return {
    label: "RMSE",
    value: shown(finalRmse, (value) => value.toPrecision(5)),
    note: [r2, testNote].filter((text) => text !== "").join(", "),
  };
}

/** The head of that column. */
export function qualityHead(runs: readonly Measured[]): string {
  const labels = new Set(runs.map((run) => listQuality(run).label));
  return labels.size === 2 ? "Accuracy or RMSE" : ([...labels][0] ?? "Accuracy");
}
