import { formatPercent } from "../../terminal/format.ts";
import { seriesColour } from "../plot/colours.ts";
import type { RunData } from "../run-data.ts";
import { curve, type Point, roundAxis } from "./cartesian.ts";
import { type Chart, onlyRun } from "./chart.ts";

/** The graph of a run without a server, its nodes shaded by accuracy. */
export const topologyPicture: Chart = {
  id: "topology",
  title: "Topology",
  caption(groups) {
    const run = onlyRun(groups);
    const graph = run?.start?.topology;
    const last = run?.nodeEvaluations.at(-1);
    if (graph === undefined || last === undefined) return "";
    const worst = `${formatPercent(last.worst, 1)} (node ${worstNode(last.accuracies)})`;
    return `Nodes and who exchanges models with whom. The darker a node, the higher its test accuracy at round ${last.round}: from ${worst} to ${formatPercent(last.best, 1)}.`;
  },
  plot(groups) {
    const run = onlyRun(groups);
    const graph = run?.start?.topology;
    const accuracies = run?.nodeEvaluations.at(-1)?.accuracies ?? [];
    if (graph === undefined || accuracies.length === 0) return undefined;
    const nodes = accuracies.map((value, node) => ({ ...placeOf(node, accuracies.length, graph.name), value }));
    const bare = { label: "" };
    return { x: bare, y: bare, legend: [], marks: [{ kind: "graph", nodes, edges: graph.edges }] };
  },
};

const LINES = [
  { key: "best", name: "best node", colour: 2 },
  { key: "mean", name: "mean over nodes", colour: 0 },
  { key: "worst", name: "worst node", colour: 1 },
] as const;

/** Accuracy of the nodes' own models, and of their mean model, over rounds. */
export const nodeRounds: Chart = {
  id: "node-rounds",
  title: "Nodes over rounds",
  caption: () =>
    "Test accuracy of the nodes' own models: the best, the mean and the worst. Dashed: the mean of all models, which no node has.",
  plot(groups) {
    const run = onlyRun(groups);
    if (run === undefined || run.nodeEvaluations.length < 2) return undefined;
    const marks = LINES.map(({ key, name, colour }) => curve(name, seriesColour(colour), points(run, key)));
    const merged = run.evaluations.map(({ round, accuracy }): Point => [round, accuracy * 100]);
    const all = [...marks, { ...curve("mean model", seriesColour(6), merged), dash: "dashed" } as const];
    const axes = { x: roundAxis(groups), y: { label: "accuracy (%)", min: 0, max: 100 } };
    return { ...axes, legend: all.map(({ name, colour }) => ({ name, colour })), marks: all };
  },
};

/** How far the nodes' models are apart, over rounds. */
export const consensusRounds: Chart = {
  id: "consensus-rounds",
  title: "Consensus distance over rounds",
  caption: () => "Root mean squared distance of the nodes' models from their mean. At 0 all nodes have the same model.",
  plot(groups) {
    const run = onlyRun(groups);
    if (run === undefined || run.nodeEvaluations.length < 2) return undefined;
    const distances = run.nodeEvaluations.map(({ round, consensus }): Point => [round, consensus]);
    const marks = [curve("consensus distance", seriesColour(0), distances)];
    return { x: roundAxis(groups), y: { label: "distance", min: 0 }, legend: [], marks };
  },
};

function points(run: RunData, key: (typeof LINES)[number]["key"]): Point[] {
  return run.nodeEvaluations.map((evaluation) => [evaluation.round, evaluation[key] * 100]);
}

/** Around a circle of radius 1; the centre of a star in its middle. */
function placeOf(node: number, nodes: number, name: string): { readonly x: number; readonly y: number } {
  if (name === "star" && node === 0) return { x: 0, y: 0 };
  const angle = (2 * Math.PI * node) / nodes;
  return { x: Math.sin(angle), y: Math.cos(angle) };
}

function worstNode(accuracies: readonly number[]): number {
  return accuracies.indexOf(Math.min(...accuracies));
}
