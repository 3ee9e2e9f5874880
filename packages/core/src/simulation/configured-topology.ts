import { hashText } from "@anabranch/engine";
import { decentralised } from "../algorithms/decentralised.ts";
import type { Measurement } from "../client/round-statistic.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { initialParameters } from "../params/initialize.ts";
import { partOf } from "../params/standing.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import type { Warning } from "../round/backend.ts";
import type { RunPlan } from "../round/run-plan.ts";
import { denseMatrix, linksOf, mixingOf, type SparseRow, type Topology } from "../topology/index.ts";
import { withCalibration } from "./calibrated-method.ts";
import { withClusterStarts } from "./cluster-starts.ts";
import { compressedMethod } from "./compression.ts";
import type { Federation } from "./federation.ts";
import { requireJudgement } from "./judged-method.ts";
import { type CustomParts, type ResolvedMethod, resolveMethod } from "./resolve-method.ts";
import { restarting } from "./restarting-method.ts";
import { withStatistics } from "./round-statistics.ts";
import { topologyOf } from "./topology-of.ts";

/** Largest part of memory for the models of all nodes, in numbers: 2 GiB in float32. */
const MOST_NUMBERS = 2 ** 29;
/** Links that an event lists for pictures of the graph. */
const MOST_LINKS = 4000;

/** A method on its topology, and what is to be said of it. */
export interface DecentralisedMethod extends ReturnType<typeof compressedMethod> {
  /** That clients measure beside what the method does. */
  readonly statistics: readonly Measurement[];
  readonly about: Pick<RunPlan["description"], "topology">;
  readonly warnings: readonly Warning[];
}

/**
 * The method of a configuration, among nodes where it has a topology. Throws as `resolveMethod`, and `config/conflict`
 * where method and topology need each other, or do not fit the clients.
 */
export function methodAmongNodes(config: Config, federation: Federation, own: CustomParts): DecentralisedMethod {
  const { statistics, ...method } = withCalibration(
    config,
    restarting(config, withStatistics(config, resolveMethod(config, federation, own)), federation),
  );
  const { clients: nodes } = federation;
  const { algorithm, model, layout, held } = method;
  const { name, starts, averageFrom, averageTo = config.rounds } = config.topology;
  requireBoth(config, method);
  const givesOwn = method.payloads.own !== undefined && method.subModels === undefined;
  if (givesOwn || algorithm.publicTraining !== undefined)
    requireMemory(nodes, numbersOf(method.payloads, layout.size), "numbers of its own");
  if (name === "none") {
    const started = withClusterStarts(config, method, nodes);
    return { ...compressedMethod(config, started), statistics, about: {}, warnings: [] };
  }
  requireNodes(nodes);
  requireMemory(nodes, layout.size, "parameters");
  const topology = topologyOf(config, nodes, own.topology);
  const merges = algorithm.gossip?.name === "mean" && algorithm.gossip.merges === true;
  const first = averageFrom ?? (merges ? config.rounds : undefined);
  const averaging = first === undefined ? undefined : ([first, averageTo] as const);
  const key = rootKey(config.seed);
  const fresh = (node: number) => {
    const values = initialParameters(model.parameters, deriveKey(key, "init", node));
    return held === undefined ? values : partOf(held.split.whole, values, layout);
  };
  requireJudgement(config, method);
  const among = decentralised(algorithm, { topology, averaging, key, ...(starts === "own" ? { start: fresh } : {}) });
  return {
    ...compressedMethod(config, { ...method, algorithm: among, payloads: among.payloads(layout) }),
    statistics,
    about: { topology: described(topology) },
    warnings: unequalColumns(topology),
  };
}

/** The identity of a run whose topology comes from a file: its content counts, wherever it lies. */
export function withTopology<P extends Pick<RunPlan, "configHash">>(policies: P, text: string | undefined): P {
  return text === undefined ? policies : { ...policies, configHash: hashText(`${policies.configHash} ${text}`) };
}

function described(topology: Topology): NonNullable<RunPlan["description"]["topology"]> {
  const { name, nodes } = topology;
  const { lambda, links } = mixingOf(topology);
  const pairs = linksOf(topology.rows(1)).map(([from, to]): [number, number] => [
    Math.min(from, to),
    Math.max(from, to),
  ]);
  const edges = [...new Map(pairs.map((pair) => [pair.join(), pair])).values()];
  return { name, nodes, links, ...(lambda === undefined ? {} : { lambda }), edges: edges.slice(0, MOST_LINKS) };
}

function requireBoth({ topology: { name } }: Config, { algorithm }: ResolvedMethod): void {
  if ((name === "none") === (algorithm.gossip === undefined)) return;
  if (name === "none")
    throw conflict(
      "topology.name",
      `"none", with algorithm.name = "${algorithm.name}", which has no server`,
      'a topology, e.g. "ring"',
      'Add [topology] name = "ring". With a server, take algorithm.name = "fedavg".',
    );
  const near = algorithm.name === "fedsam" ? "dfedsam" : "dfedavg";
  throw conflict(
    "algorithm.name",
    `"${algorithm.name}", with topology.name = "${name}"`,
    `a method without a server, e.g. "${near}"`,
    `Set algorithm.name = "${near}", or remove [topology].`,
  );
}

/** Owners of data are counted when the data are there. */
function requireNodes(nodes: number): void {
  if (nodes > 1) return;
  throw conflict("data.clients", `data of ${nodes} owner`, "at least 2", "A node needs another one to mix with.");
}

function requireMemory(nodes: number, size: number, what: string): void {
  if (nodes * size <= MOST_NUMBERS) return;
  throw conflict(
    "data.clients",
    `${nodes} clients with ${size} ${what} each`,
    `at most ${Math.floor(MOST_NUMBERS / size)} clients`,
    "What all of them have or send is in memory at once: lower data.clients or take a smaller model.",
  );
}

/** What a server has of each client at least, where each is given its own: that, a model, or what it sends by itself. */
function numbersOf({ broadcast, own = [], upload }: ResolvedMethod["payloads"], model: number): number {
  const given = own.reduce((sum, name) => sum + broadcast[name]!.size, 0);
  const sent = Object.values(upload).filter(({ aggregation }) => aggregation === "each");
  return Math.max(
    model,
    given,
    sent.reduce((sum, { layout }) => sum + layout.size, 0),
  );
}

/** Rows always sum to 1. Where columns do not, mixing moves the mean of all models. */
function unequalColumns(topology: Topology): readonly Warning[] {
  if (topology.period !== 1 || topology.nodes > 2000) return [];
  const sums = columnSums(topology.rows(1));
  if (sums.every((sum) => Math.abs(sum - 1) < 1e-9)) return [];
  const message = "Columns of the mixing matrix do not sum to 1: some nodes count more than others in what is learned.";
  return [{ code: "topology/columns", message }];
}

function columnSums(rows: readonly SparseRow[]): number[] {
  const matrix = denseMatrix(rows);
  return matrix.map((_, j) => matrix.reduce((sum, row) => sum + row[j]!, 0));
}
