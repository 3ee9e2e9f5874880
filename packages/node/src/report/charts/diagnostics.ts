import { compressionRatio } from "../measures.ts";
import { seriesColour } from "../plot/colours.ts";
import type { RunData } from "../run-data.ts";
import { curve, groupCurve, groupLegend, type Point, roundAxis } from "./cartesian.ts";
import { allRuns, bandNote, type Chart, type ChartGroup, onlyRun } from "./chart.ts";

type Diagnostics = RunData["diagnostics"][number];

interface DiagnosticLine {
  readonly name: string;
  value(measured: Diagnostics): number | null | undefined;
}

interface DiagnosticChart {
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  readonly axis: string;
  /** The first two are drawn in a comparison, solid and dashed. */
  readonly lines: readonly [DiagnosticLine, ...DiagnosticLine[]];
}

/** One chart of what `[diagnostics]` measures over the rounds. */
function diagnosticChart({ id, title, caption, axis, lines }: DiagnosticChart): Chart {
  const [solid, dashed] = lines;
  const reading = dashed === undefined ? "" : ` Solid: ${solid.name}. Dashed: ${dashed.name}.`;
  return {
    id,
    title,
    caption: (groups) =>
      `${caption}${onlyRun(groups) === undefined ? `${reading}${bandNote(groups)}` : ""}${coverage(groups)}`,
    plot(groups) {
      const drawn = lines.filter((line) => allRuns(groups).some((run) => points(run, line).length > 1));
      if (drawn.length === 0) return undefined;
      const axes = { x: roundAxis(groups), y: { label: axis } };
      const run = onlyRun(groups);
      if (run !== undefined) {
        const marks = drawn.map((line, i) => curve(line.name, seriesColour(i), points(run, line)));
        return { ...axes, legend: marks.map(({ name, colour }) => ({ name, colour })), marks };
      }
      const marks = groups.flatMap((group) => [
        groupCurve(group, (one) => points(one, solid)),
        ...(dashed === undefined
          ? []
          : [groupCurve({ ...group, name: `${group.name}, ${dashed.name}` }, (one) => points(one, dashed), "dashed")]),
      ]);
      return { ...axes, legend: groupLegend(groups), marks };
    },
  };
}

function points(run: RunData, { value }: DiagnosticLine): Point[] {
  const all = run.diagnostics.map((measured): Point => [measured.round, value(measured) ?? Number.NaN]);
  return all.filter(([, y]) => Number.isFinite(y));
}

/** Of private runs, whose epsilon covers no diagnostics of single clients. */
function coverage(groups: readonly ChartGroup[]): string {
  const private_ = allRuns(groups).some((run) => run.diagnostics.some(({ covered }) => covered === false));
  return private_ ? " Of private runs: not covered by epsilon." : "";
}

const first = (values: Readonly<Record<string, number | null>> | undefined) => Object.values(values ?? {})[0];
const variance = (name: string): DiagnosticLine => ({
  name,
  value: ({ preconditioners }) => Object.values(preconditioners ?? {})[0]?.[name],
});

export const diagnosticCharts: readonly Chart[] = [
  diagnosticChart({
    id: "flatness-distance",
    title: "Flatness distance",
    caption:
      "Mean squared distance of directions from that of the global gradient: 0 where local and global perturbations agree.",
    axis: "squared distance",
    lines: [
      { name: "clients' gradients", value: ({ flatness }) => flatness?.distance },
      { name: "last global step", value: ({ flatness }) => flatness?.momentumDistance },
    ],
  }),
  diagnosticChart({
    id: "sharpness",
    title: "Sharpness",
    caption:
      "How much the loss of fixed batches rises along the gradient: of all clients together, and of each by itself.",
    axis: "rise of the loss",
    lines: [
      { name: "global", value: ({ flatness }) => flatness?.globalSharpness },
      { name: "local", value: ({ flatness }) => flatness?.localSharpness },
    ],
  }),
  diagnosticChart({
    id: "coherence",
    title: "Gradient coherence",
    caption: "Share of the clients' updates that survives averaging: 1 where all are equal, 0 where they cancel.",
    axis: "coherence",
    lines: [{ name: "coherence", value: ({ coherence }) => first(coherence) }],
  }),
  diagnosticChart({
    id: "conditioning",
    title: "Condition of the weights",
    caption: "Largest over median singular value, median over the weight matrices.",
    axis: "s_max / s_median",
    lines: [{ name: "condition", value: ({ conditioning }) => conditioning }],
  }),
  diagnosticChart({
    id: "preconditioner-variance",
    title: "Variance of preconditioners",
    caption: "Relative variance between clients when every coordinate is replaced by the mean of its block.",
    axis: "relative variance",
    lines: [variance("coordinate"), variance("paper"), variance("adam-mini"), variance("tensor")],
  }),
  diagnosticChart({
    id: "clipping",
    title: "Clipping",
    caption: "Mean norm of the updates before the clip, and the clip norm.",
    axis: "norm",
    lines: [
      { name: "mean norm", value: ({ clipping }) => clipping?.meanNorm },
      { name: "clip norm", value: ({ clipping }) => clipping?.clipNorm },
    ],
  }),
  diagnosticChart({
    id: "compression-error",
    title: "Error of compression",
    caption:
      "Distance of what has arrived to what was to be sent, over the norm of that, and the cosine of both. Of uploads means over clients; measured in simulations alone, as no client sends what it leaves out.",
    axis: "share",
    lines: [
      { name: "error of uploads", value: ({ compression }) => compression?.error },
      { name: "cosine of uploads", value: ({ compression }) => compression?.cosine },
      { name: "error of broadcasts", value: ({ broadcastCompression }) => broadcastCompression?.error },
      { name: "cosine of broadcasts", value: ({ broadcastCompression }) => broadcastCompression?.cosine },
    ],
  }),
  diagnosticChart({
    id: "compression-ratio",
    title: "Compression ratio",
    caption: "Bytes of the compressed vectors as floats, over those of their payloads.",
    axis: "times smaller",
    lines: [
      { name: "uploads", value: ({ compression }) => compressionRatio(compression) },
      { name: "broadcasts", value: ({ broadcastCompression }) => compressionRatio(broadcastCompression) },
    ],
  }),
];
