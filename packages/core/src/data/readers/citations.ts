import { AnabranchError } from "@anabranch/engine";
import { type NamedDataset, numberClasses } from "./class-names.ts";
import { readerLimits, requireAtMost } from "./limits.ts";
import { decodeText } from "./text.ts";

/** The two files of a citation graph, and their names for errors. */
export interface CitationFiles {
  /** A line for each node: its name, one number for each feature, and its class, divided by white space. */
  readonly content: Uint8Array;
  /** A line for each edge: two names of nodes. */
  readonly cites: Uint8Array;
}

/**
 * A graph as the files of Cora and CiteSeer have it, `NAME.content` and `NAME.cites`: features [n, F] float as they are
 * written, one class for each node, edges without direction. Edges to nodes that are not described are left out.
 *
 * P. Sen, G. Namata, M. Bilgic, L. Getoor, B. Gallagher, T. Eliassi-Rad, "Collective Classification in Network Data",
 * AI Magazine 29(3), 2008.
 *
 * @throws `data/graph-width` for a line of another length, `data/graph-value`, `data/graph` for a node that is there twice, `data/empty`
 * @example
 * ```ts
 * import { readCitations } from "@anabranch/core";
 * const bytes = (text: string) => new TextEncoder().encode(text);
 * const files = { content: bytes("a 1 0 Theory\nb 0 1 Practice\n"), cites: bytes("a b\n") };
 * readCitations(files, { name: "two papers" }).classNames; // => ["Practice", "Theory"]
 * ```
 */
export function readCitations({ content, cites }: CitationFiles, { name }: { readonly name: string }): NamedDataset {
  const where = `${name}.content`;
  const numbers = new Map<string, number>();
  const classes: string[] = [];
  const rows: Float32Array[] = [];
  for (const [line, cells] of linesOf(content, where)) {
    const width = rows[0]?.length ?? Math.max(1, cells.length - 2);
    if (cells.length !== width + 2) throw badLine(`${where}, line ${line}`, cells.length, `${width + 2} cells`);
    const [node, label] = [cells[0]!, cells.at(-1)!];
    if (numbers.has(node)) throw twice(`${where}, line ${line}`, node);
    numbers.set(node, rows.length);
    classes.push(label);
    rows.push(Float32Array.from(cells.slice(1, -1), (cell) => numberOf(cell, `${where}, line ${line}`)));
    requireAtMost(readerLimits.examples, rows.length, "nodes", where);
    requireAtMost(readerLimits.featureBytes, 4 * rows.length * width, "bytes of features", where);
  }
  if (rows.length === 0) throw noNodes(where);
  const width = rows[0]!.length;
  const features = new Float32Array(rows.length * width);
  for (const [row, values] of rows.entries()) features.set(values, row * width);
  const { labels, classNames } = numberClasses(classes, undefined, where);
  return {
    name,
    features: { dtype: "float", shape: [rows.length, width], data: features },
    labels,
    classes: classNames.length,
    classNames,
    graph: { nodes: Int32Array.from(rows, (_, row) => row), edges: edgesOf(cites, `${name}.cites`, numbers) },
  };
}

function edgesOf(file: Uint8Array, where: string, numbers: ReadonlyMap<string, number>): Int32Array {
  const ends: number[] = [];
  for (const [line, cells] of linesOf(file, where)) {
    if (cells.length !== 2) throw badLine(`${where}, line ${line}`, cells.length, "2 cells");
    const [a, b] = cells.map((cell) => numbers.get(cell));
    if (a !== undefined && b !== undefined) ends.push(a, b);
  }
  return Int32Array.from(ends);
}

/** Cells of each line that has any, with the number of the line. */
function* linesOf(file: Uint8Array, where: string): Generator<readonly [line: number, cells: string[]]> {
  const text = decodeText(file, where);
  for (let start = 0, line = 1; start < text.length; line++) {
    const next = text.indexOf("\n", start);
    const end = next < 0 ? text.length : next;
    const cells = text
      .slice(start, end)
      .split(/\s+/)
      .filter((cell) => cell !== "");
    requireAtMost(readerLimits.columns, cells.length, "cells in a line", where);
    if (cells.length > 0) yield [line, cells];
    start = end + 1;
  }
}

function numberOf(cell: string, where: string): number {
  const value = Number(cell);
  if (Number.isFinite(Math.fround(value))) return value;
  throw new AnabranchError({
    code: "data/graph-value",
    message: "a feature of a node is not a finite number",
    where,
    received: JSON.stringify(cell.slice(0, 80)),
    expected: "a number between the name of the node and its class",
  });
}

function badLine(where: string, received: number, expected: string): AnabranchError {
  return new AnabranchError({
    code: "data/graph-width",
    message: "a line of a graph has another number of cells",
    where,
    received: `${received} cells`,
    expected,
    advice: "Divide cells by tabs or spaces; names have none.",
  });
}

function twice(where: string, node: string): AnabranchError {
  return new AnabranchError({
    code: "data/graph",
    message: "a node is described twice",
    where,
    received: JSON.stringify(node.slice(0, 80)),
    expected: "one line for each node",
  });
}

function noNodes(where: string): AnabranchError {
  return new AnabranchError({
    code: "data/empty",
    message: "the file describes no node",
    where,
    expected: "a line for each node: its name, its features and its class",
  });
}
