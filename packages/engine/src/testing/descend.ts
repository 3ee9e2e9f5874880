import type { Executor } from "../executor/executor.ts";
import { interpreter } from "../executor/interpreter.ts";
import { loadProgram } from "../executor/load-program.ts";
import { constant } from "../graph/sources.ts";
import type { NamedTensors, TensorTree } from "../graph/trace.ts";
import type { HostTensor, TensorType } from "../graph/types.ts";
import { type Optimizer, type OptimizerState, takeStep } from "../optimizers/optimizer.ts";
import { withPrefix } from "../program/host-kernels.ts";
import { compileLoop, type Loop } from "../program/loop.ts";

type Named = Readonly<Record<string, HostTensor>>;

export interface DescentOptions {
  /** Default 0.1. */
  readonly learningRate?: number;
  /** Default: the interpreter, in float64. */
  readonly executor?: Executor;
  /** A preconditioner to start from. */
  readonly warm?: Named;
  /** Whether host kernels run between steps as the optimizer asks. Default true. */
  readonly refresh?: boolean;
}

/** What an optimizer made of its gradients. */
export interface Descent {
  /** [K, ...] by name: the parameters after each step. */
  readonly parameters: Named;
  /** The optimizer's last state by path. */
  readonly state: Named;
}

/**
 * Runs an optimizer on given gradients [K, ...], one step for each, whatever its parameters become.
 *
 * @example
 * ```ts
 * import { descend, host } from "@anabranch/engine/testing";
 * import { sgd } from "@anabranch/engine";
 * const start = { w: host("float", [1], [1]) };
 * const { parameters } = await descend(sgd(), start, { w: host("float", [2, 1], [1, 2]) });
 * parameters["w"]!.data; // => [0.9, 0.7]
 * ```
 */
export async function descend(
  optimizer: Optimizer,
  start: Named,
  gradients: Named,
  { learningRate = 0.1, executor = interpreter(), warm, refresh = true }: DescentOptions = {},
): Promise<Descent> {
  interface Carry {
    readonly optimizer: OptimizerState;
    readonly parameters: NamedTensors;
  }
  const loop: Loop = {
    begin(inputs) {
      const given = inputs["warm"] as NamedTensors;
      const started = warm === undefined ? undefined : { preconditioner: given, steps: constant(0) };
      return { parameters: inputs["start"]!, optimizer: optimizer.init(inputs["start"]!, started) };
    },
    step(carry, slice) {
      const { optimizer: state, parameters } = carry as unknown as Carry;
      const next = takeStep(optimizer, slice as NamedTensors, state, parameters, { learningRate });
      return { carry: { parameters: next.parameters, optimizer: next.state }, output: next.parameters };
    },
    end: (carry, outputs) => ({ parameters: outputs, state: (carry as { optimizer: TensorTree }).optimizer }),
  };
  const steps = Object.entries(typesOf(gradients)).map(([name, { shape }]) => [
    name,
    { dtype: "float", shape: ["K", ...shape.slice(1)] } satisfies TensorType,
  ]);
  const types = { start: typesOf(start), gradients: Object.fromEntries(steps), warm: typesOf(warm ?? {}) };
  const plan = refresh ? withPrefix("optimizer", optimizer.refresh?.(types.start)) : undefined;
  const executable = await loadProgram(executor, compileLoop("descend", loop, types, "gradients", plan));
  const outputs = await executable.run({
    ...inputsOf("start", start, executor),
    ...inputsOf("gradients", gradients, executor),
    ...inputsOf("warm", warm ?? {}, executor),
  });
  await executable.release();
  return { parameters: below("parameters", outputs), state: below("state", outputs) };
}

function typesOf(values: Named): Record<string, TensorType> {
  return Object.fromEntries(Object.entries(values).map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
}

function inputsOf(prefix: string, values: Named, { float }: Executor): Record<string, HostTensor> {
  const make = float === "float64" ? Float64Array : Float32Array;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${prefix}/${name}`, { ...value, data: make.from(value.data) }]),
  );
}

function below(prefix: string, values: Named): Record<string, HostTensor> {
  const own = Object.entries(values).filter(([name]) => name.startsWith(`${prefix}/`));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length + 1), value]));
}
