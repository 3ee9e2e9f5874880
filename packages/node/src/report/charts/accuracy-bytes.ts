import { largest } from "@anabranch/engine";
import { byteUnit } from "../../terminal/format.ts";
import { uploadedBy } from "../summary.ts";
import { overlay, xAxis, yAxis } from "./cartesian.ts";
import type { Chart } from "./chart.ts";

/** Test accuracy against the bytes that clients have uploaded so far: what accuracy costs. */
export const accuracyBytes: Chart = {
  id: "accuracy-bytes",
  title: "Accuracy for upload",
  caption: () =>
    "Test accuracy against everything that all clients together have uploaded until then, counted from the encoded messages. Further to the upper left is better.",
  option(runs) {
    const curves = runs.map((run) => {
      const uploaded = uploadedBy(run);
      return run.evaluations.map(({ round, accuracy }) => [uploaded(round), accuracy * 100] as const);
    });
    const most = largest(
      curves.flat().map(([bytes]) => bytes),
      0,
    );
    if (most === 0) return undefined;
    const { unit, size } = byteUnit(most);
    const scaled = curves.map((points) => points.map(([bytes, accuracy]) => [bytes / size, accuracy] as const));
    const axes = { xAxis: xAxis(`uploaded by all clients (${unit})`, { min: 0 }), yAxis: yAxis("accuracy (%)") };
    return overlay(runs, scaled, axes);
  },
};
