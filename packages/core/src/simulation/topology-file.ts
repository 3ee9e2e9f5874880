import { conflict } from "../config/check.ts";
import { type Edge, type Graph, graphOf, type SparseRow, sparseRow } from "../topology/index.ts";

/** Rows of a matrix are rounded in files; they are divided by their sum, which may differ from 1 by so much. */
const ROUNDING = 1e-6;

/** The graph of a CSV file with two node numbers per line. Throws `config/conflict` for what is none of `nodes` nodes. */
export function readEdges(text: string, nodes: number): Graph {
  const edges = lines(text).map(({ values, line }): Edge => {
    if (values.length !== 2 || !values.every((value) => Number.isInteger(value) && value >= 0))
      throw refused(
        line,
        "two node numbers",
        'Write an edge per line, e.g. "0,1". Lines that begin with # do not count.',
      );
    return [values[0]!, values[1]!];
  });
  const largest = edges.flat().reduce((a, b) => Math.max(a, b), -1);
  if (largest >= nodes)
    throw refusedFile(
      `node ${largest}, with data.clients = ${nodes}`,
      `nodes 0 to ${nodes - 1}`,
      `Every node is a client: set data.clients = ${largest + 1}, or remove its edges.`,
    );
  return graphOf(nodes, edges);
}

/** The mixing matrix of a CSV file. Throws `config/conflict` for one whose rows are not weights of `nodes` nodes. */
export function readMatrix(text: string, nodes: number): readonly SparseRow[] {
  const rows = lines(text);
  if (rows.length !== nodes)
    throw refusedFile(
      `${rows.length} rows, with data.clients = ${nodes}`,
      `${nodes} rows`,
      `Every node is a client: set data.clients = ${rows.length}, or complete the matrix.`,
    );
  const matrix = rows.map(({ values, line }) => {
    if (values.length !== nodes) throw refused(line, `${nodes} weights`, `It has ${values.length}.`);
    if (!values.every((value) => value >= 0)) throw refused(line, "weights of at least 0", "A mixing matrix averages.");
    const sum = values.reduce((a, b) => a + b, 0);
    if (Math.abs(sum - 1) > ROUNDING)
      throw refused(line, "weights with a sum of 1", `Their sum is ${Number(sum.toPrecision(6))}: divide each by it.`);
    return values.map((value) => value / sum);
  });
  requireReachable(matrix);
  return matrix.map(sparseRow);
}

/** From every node to every other one, over as many rounds as it takes. */
function requireReachable(matrix: readonly (readonly number[])[]): void {
  for (const [start, linked] of [
    ["hears", (i: number, j: number) => matrix[i]![j]! > 0],
    ["is heard by", (i: number, j: number) => matrix[j]![i]! > 0],
  ] as const) {
    const seen = new Set([0]);
    for (const node of seen) for (const j of matrix.keys()) if (linked(node, j)) seen.add(j);
    const missing = [...matrix.keys()].find((node) => !seen.has(node));
    if (missing === undefined) continue;
    throw refusedFile(
      `node 0 never ${start} node ${missing}`,
      "a connected graph",
      `Give nodes 0 and ${missing} weights on a path between them.`,
    );
  }
}

function lines(text: string): { readonly values: readonly number[]; readonly line: number }[] {
  return text.split(/\r?\n/).flatMap((content, index) => {
    const trimmed = content.trim();
    if (trimmed === "" || trimmed.startsWith("#")) return [];
    const values = trimmed.split(/[,;\s]+/).map((cell) => (cell === "" ? Number.NaN : Number(cell)));
    const odd = values.findIndex((value) => !Number.isFinite(value));
    if (odd >= 0) throw refused(index + 1, "numbers", "Separate them by commas; lines that begin with # do not count.");
    return [{ values, line: index + 1 }];
  });
}

function refused(line: number, expected: string, advice: string) {
  return conflict("topology.file", `line ${line}`, expected, advice);
}

function refusedFile(received: string, expected: string, advice: string) {
  return conflict("topology.file", received, expected, advice);
}
