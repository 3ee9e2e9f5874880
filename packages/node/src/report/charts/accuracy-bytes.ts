import { largest } from "@anabranch/engine";
import { byteUnit } from "../../terminal/format.ts";
import { uploadedBy } from "../summary.ts";
import { overlay } from "./cartesian.ts";
import { allRuns, bandNote, type Chart, withoutBaselines } from "./chart.ts";

/** Test accuracy against the bytes that clients have uploaded so far: what accuracy costs. */
export const accuracyBytes: Chart = {
  id: "accuracy-bytes",
  title: "Accuracy for upload",
  caption: (groups) =>
    `Test accuracy against everything that all clients together have uploaded until then, counted from the encoded messages. Further to the upper left is better.${bandNote(groups)}`,
  plot(all) {
    const groups = withoutBaselines(all);
    const totals = allRuns(groups).map((run) => uploadedBy(run)(run.evaluations.at(-1)?.round ?? 0));
    const most = largest(totals, 0);
    if (most === 0) return undefined;
    const { unit, size } = byteUnit(most);
    const axes = { x: { label: `uploaded by all clients (${unit})`, min: 0 }, y: { label: "accuracy (%)" } };
    return overlay(
      groups,
      (run) => {
        const uploaded = uploadedBy(run);
        return run.evaluations.map(({ round, accuracy }) => [uploaded(round) / size, accuracy * 100, round]);
      },
      axes,
    );
  },
};
