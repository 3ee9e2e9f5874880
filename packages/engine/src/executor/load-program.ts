import type { HostData, HostTensor } from "../graph/types.ts";
import type { HostKernelSchedule, KernelCall } from "../program/host-kernels.ts";
import type { LoopProgram } from "../program/loop.ts";
import type { Program } from "../program/program.ts";
import { bindInputs } from "./check-inputs.ts";
import type { Executable, Executor, HostTensors } from "./executor.ts";
import { callKernel } from "./kernels.ts";

/**
 * Prepares a program for any executor; one with host kernels as its segments with the kernels in between.
 *
 * @example
 * ```ts
 * import { compileProgram, interpreter, loadProgram, square, trace } from "@anabranch/engine";
 * const graph = trace(({ x }) => ({ y: square(x) }), { x: { dtype: "float", shape: [2] } });
 * const executable = await loadProgram(interpreter(), compileProgram("square", graph));
 * const { y } = await executable.run({ x: { dtype: "float", shape: [2], data: Float64Array.of(2, 3) } });
 * y!.data; // => [4, 9]
 * ```
 */
export async function loadProgram(executor: Executor, program: Program | LoopProgram): Promise<Executable> {
  if (!("refresh" in program)) return executor.load(program);
  const segments: Segments = {
    head: await executor.load(program.head),
    body: await executor.load(program.body),
    tail: await executor.load(program.tail),
  };
  return {
    run: (inputs) => runLoop(program, segments, inputs),
    release: async () => {
      await segments.head.release();
      await segments.body.release();
      await segments.tail.release();
    },
  };
}

type Segments = Readonly<Record<"head" | "body" | "tail", Executable>>;

const CARRY = "loop/carry/";
const OUTPUTS = "loop/outputs/";

async function runLoop(program: LoopProgram, segments: Segments, inputs: HostTensors): Promise<HostTensors> {
  bindInputs(program, inputs);
  const steps = inputs[program.sequences[0]!]!.shape[0]!;
  const stepFrom = (from: number, to: number, carry: HostTensors) =>
    segments.body.run({ ...inputs, ...windows(program.sequences, inputs, from, to), ...carry });
  let carry = await segments.head.run(inputs);
  const chunks: HostTensors[] = [];
  for (const { from, to, calls } of schedule(program.refresh, steps)) {
    if (calls.length > 0) {
      const ahead = program.refresh.ahead ? await stepFrom(from, from + 1, carry) : {};
      carry = { ...carry, ...renewed(calls, { ...carry, ...ahead }) };
    }
    const results = await stepFrom(from, to, carry);
    carry = { ...carry, ...select(results, CARRY) };
    chunks.push(select(results, OUTPUTS));
  }
  return segments.tail.run({ ...inputs, ...carry, ...joined(chunks, steps) });
}

interface Chunk {
  readonly from: number;
  readonly to: number;
  /** Kernels before the chunk. */
  readonly calls: readonly KernelCall[];
}

/** Steps 0..steps (to excluded) in chunks between refreshes. */
function schedule({ first, every, initial, later }: HostKernelSchedule, steps: number): Chunk[] {
  const chunks: Chunk[] = first > 0 ? [{ from: 0, to: Math.min(first, steps), calls: [] }] : [];
  for (let from = first; from < steps; from += every) {
    chunks.push({ from, to: Math.min(from + every, steps), calls: from === first ? initial : later });
  }
  return chunks;
}

/** Steps from..to of the scanned inputs, views. */
function windows(names: readonly string[], inputs: HostTensors, from: number, to: number): HostTensors {
  const view = ({ dtype, shape, data }: HostTensor): HostTensor => {
    const size = data.length / shape[0]!;
    return { dtype, shape: [to - from, ...shape.slice(1)], data: data.subarray(from * size, to * size) };
  };
  return Object.fromEntries(names.map((name) => [name, view(inputs[name]!)]));
}

/** The entries of the carry that kernels write. */
function renewed(calls: readonly KernelCall[], carry: HostTensors): HostTensors {
  const values = new Map(Object.entries(carry).map(([name, value]) => [name.slice(CARRY.length), value]));
  const written = new Map<string, HostTensor>();
  for (const call of calls) {
    for (const [path, value] of callKernel(call, values)) {
      values.set(path, value);
      written.set(`${CARRY}${path}`, value);
    }
  }
  return Object.fromEntries(written);
}

function select(values: HostTensors, prefix: string): HostTensors {
  return Object.fromEntries(Object.entries(values).filter(([name]) => name.startsWith(prefix)));
}

/** The outputs of all steps, one chunk after the other. */
function joined(chunks: readonly HostTensors[], steps: number): HostTensors {
  const join = (name: string): HostTensor => {
    const parts = chunks.map((chunk) => chunk[name]!);
    const { dtype, shape, data } = parts[0]!;
    const whole = new (data.constructor as new (length: number) => HostData)((data.length / shape[0]!) * steps);
    let offset = 0;
    for (const part of parts) {
      whole.set(part.data, offset);
      offset += part.data.length;
    }
    return { dtype, shape: [steps, ...shape.slice(1)], data: whole };
  };
  return Object.fromEntries(Object.keys(chunks[0]!).map((name) => [name, join(name)]));
}
