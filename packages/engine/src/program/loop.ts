import { AnabranchError } from "../errors.ts";
import type { Tensor } from "../graph/graph.ts";
import { input } from "../graph/sources.ts";
import {
  byPath,
  fromPaths,
  mapTensors,
  placeholders,
  type TensorTree,
  type TypeTree,
  tensorLeaves,
  trace,
  typesOf,
} from "../graph/trace.ts";
import { graphNodes } from "../graph/traversal.ts";
import { requireSamePaths } from "../graph/tree.ts";
import { hashText } from "../hash.ts";
import { scan } from "../ops/control.ts";
import type { HostKernelSchedule } from "./host-kernels.ts";
import { compileProgram, type Port, type Program } from "./program.ts";

/** Inputs of a loop by name, and trees of arrays below them. */
export type LoopInputs = Readonly<Record<string, TensorTree>>;

/** A loop as traced functions: what is carried at the start, one step, what comes out. */
export interface Loop {
  begin(inputs: LoopInputs): TensorTree;
  step(carry: TensorTree, slice: TensorTree, inputs: LoopInputs): { carry: TensorTree; output: TensorTree };
  /** @param outputs those of the steps, stacked along a new leading dimension */
  end(carry: TensorTree, outputs: TensorTree, inputs: LoopInputs): TensorTree;
}

/**
 * A loop cut into segments, with host kernels in between, as plain data. `head` makes the carry from the inputs, `body`
 * does some of the steps, `tail` makes the outputs. Segments take the inputs they use, under their names; the carry goes
 * from one to the next as "loop/carry/PATH" and the stacked outputs as "loop/outputs/PATH".
 */
export interface LoopProgram {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly head: Program;
  readonly body: Program;
  readonly tail: Program;
  /** The inputs that are scanned. */
  readonly sequences: readonly string[];
  readonly refresh: HostKernelSchedule;
  /** Hash of the segments, the schedule and the kernel calls. */
  readonly hash: string;
}

/**
 * Compiles a loop over the leading dimension of the inputs below `sequences`. Without `refresh` it is one program with one
 * scan; with it, a program of three segments that `loadProgram` runs.
 *
 * @param types by input name; "loop" is taken, and the leading dimension of the sequences is symbolic where segments run
 * @example
 * ```ts
 * import { type Tensor, add, compileLoop, constant, interpreter, loadProgram } from "@anabranch/engine";
 * const program = compileLoop(
 *   "total",
 *   {
 *     begin: () => ({ total: constant(0, []) }),
 *     step: (carry, slice) => {
 *       const { total } = carry as { total: Tensor };
 *       return { carry: { total: add(total, (slice as { x: Tensor }).x) }, output: {} };
 *     },
 *     end: (carry) => carry,
 *   },
 *   { steps: { x: { dtype: "float", shape: ["K"] } } },
 *   "steps",
 * );
 * const loaded = await loadProgram(interpreter(), program);
 * const x = { dtype: "float", shape: [3], data: Float64Array.of(1, 2, 3) } as const;
 * (await loaded.run({ "steps/x": x }))["total"]!.data; // => [6]
 * ```
 */
export function compileLoop(
  name: string,
  loop: Loop,
  types: Readonly<Record<string, TypeTree>>,
  sequences: string,
  refresh?: HostKernelSchedule,
): Program | LoopProgram {
  if (refresh !== undefined) return compileSegments(name, loop, types, sequences, refresh);
  const graph = trace((traced) => {
    const inputs = traced as LoopInputs;
    const step = (carry: TensorTree, slice: TensorTree) => loop.step(carry, slice, inputs);
    const { carry, outputs } = scan(step, loop.begin(inputs), inputs[sequences]!);
    return loop.end(carry, outputs, inputs);
  }, types as TypeTree);
  return compileProgram(name, graph);
}

function compileSegments(
  name: string,
  loop: Loop,
  types: Readonly<Record<string, TypeTree>>,
  sequences: string,
  refresh: HostKernelSchedule,
): LoopProgram {
  let carried: TypeTree = {};
  let stacked: TypeTree = {};
  const head = compileSegment(`${name}-head`, types, (inputs) => {
    const carry = loop.begin(inputs);
    carried = typesOf(carry);
    return { loop: { carry } };
  });
  requireEntries(head, refresh);
  const body = compileSegment(`${name}-body`, { ...types, loop: { carry: carried } }, (inputs) => {
    const { carry } = inputs["loop"] as { carry: TensorTree };
    const result = scanMoving(loop, carry, inputs[sequences]!, inputs);
    stacked = typesOf(result.outputs);
    return { loop: result };
  });
  const tail = compileSegment(`${name}-tail`, { ...types, loop: { carry: carried, outputs: stacked } }, (inputs) => {
    const last = inputs["loop"] as { carry: TensorTree; outputs: TensorTree };
    return loop.end(last.carry, last.outputs, inputs);
  });
  const inputs = tensorLeaves(placeholders(types as TypeTree) as TensorTree).map(
    ({ path, leaf }): Port => ({ name: path, dtype: leaf.dtype, shape: leaf.shape }),
  );
  const scanned = inputs.map((port) => port.name).filter((path) => path.startsWith(`${sequences}/`));
  const identity = { segments: [head.hash, body.hash, tail.hash], sequences: scanned, refresh };
  const hash = hashText(JSON.stringify(identity));
  return { name, inputs, outputs: tail.outputs, head, body, tail, sequences: scanned, refresh, hash };
}

/** A scan that carries what steps change; entries that they only read are captured, so that no step copies them. */
function scanMoving(
  loop: Loop,
  carry: TensorTree,
  sequences: TensorTree,
  inputs: LoopInputs,
): { carry: TensorTree; outputs: TensorTree } {
  const first = mapTensors(sequences, (t, path) => input(path, { dtype: t.dtype, shape: t.shape.slice(1) }));
  const after = loop.step(carry, first, inputs).carry;
  requireSamePaths(tensorLeaves(carry), tensorLeaves(after), "loop carry");
  const next = byPath(after);
  const moves = ({ path, leaf }: { path: string; leaf: Tensor }) => {
    const then = next[path]!;
    return then.node !== leaf.node || then.output !== leaf.output;
  };
  const moving = tensorLeaves(carry).filter(moves);
  const known = byPath(carry);
  return scan(
    (moved: Record<string, Tensor>, slice: TensorTree) => {
      const result = loop.step(fromPaths(carry, { ...known, ...moved }), slice, inputs);
      const changed = byPath(result.carry);
      return {
        carry: Object.fromEntries(moving.map(({ path }) => [path, changed[path]!])),
        output: result.output,
      };
    },
    Object.fromEntries(moving.map(({ path, leaf }) => [path, leaf])),
    sequences,
  );
}

/** A program that takes only the inputs it uses. */
function compileSegment(
  name: string,
  types: Readonly<Record<string, TypeTree>>,
  fn: (inputs: LoopInputs) => TensorTree,
): Program {
  const graph = trace((inputs) => fn(inputs as LoopInputs), types as TypeTree);
  const used = new Set(graphNodes(graph));
  return compileProgram(name, { ...graph, inputs: graph.inputs.filter(({ tensor }) => used.has(tensor.node)) });
}

/** Refuses kernel calls on entries that the carry does not have (`engine/structure`). */
function requireEntries(head: Program, { initial, later }: HostKernelSchedule): void {
  const known = new Set(head.outputs.map((port) => port.name));
  for (const { kernel, inputs, outputs } of [...initial, ...later]) {
    const missing = [...inputs, ...outputs].find((path) => !known.has(`loop/carry/${path}`));
    if (missing === undefined) continue;
    throw new AnabranchError({
      code: "engine/structure",
      message: "a kernel names an entry that the carry does not have",
      where: `${head.name}, kernel ${kernel}`,
      received: missing,
      expected: [...known].map((name) => name.slice("loop/carry/".length)).join(", "),
      advice: "Name entries by their paths in the carry; withPrefix puts a prefix before those of an optimizer.",
    });
  }
}
