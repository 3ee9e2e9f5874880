import { AnabranchError } from "../errors.ts";
import { formatShape } from "../graph/shape.ts";
import type { DType, HostData, HostTensor } from "../graph/types.ts";
import type { Program } from "../program/program.ts";
import { bindInputs } from "./check-inputs.ts";
import type { Executable, Executor, HostTensors } from "./executor.ts";

/** The part of the onnxruntime packages' common interface that is used here. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: Record<string, unknown>): Promise<OnnxSession>;
  };
  readonly Tensor: new (type: string, data: HostData, dims: readonly number[]) => OnnxTensor;
  readonly env: { readonly versions: { readonly common: string } };
}
interface OnnxTensor {
  readonly data: HostData;
  readonly dims: readonly number[];
}
interface OnnxSession {
  run(feeds: Record<string, OnnxTensor>): Promise<Record<string, OnnxTensor>>;
  release(): Promise<void>;
}

const elementTypes: Readonly<Record<DType, string>> = {
  float: "float32",
  int32: "int32",
  uint8: "uint8",
  bool: "bool",
};

/** Loads an optional onnxruntime package, or says what to install. */
export async function importRuntime(name: string, load: () => Promise<unknown>): Promise<OnnxRuntime> {
  try {
    const module = (await load()) as { default?: OnnxRuntime } & OnnxRuntime;
    return module.InferenceSession === undefined ? module.default! : module;
  } catch (cause) {
    throw new AnabranchError({
      code: "executor/missing-package",
      message: `the package ${name} cannot be loaded`,
      received: cause instanceof Error ? cause.message.split("\n")[0]! : String(cause),
      expected: `${name} 1.30.0 installed`,
      advice: `Run "npm install ${name}@1.30.0", or choose another executor.`,
      cause,
    });
  }
}

/** The executor over one loaded package. */
export function onnxExecutor(name: string, runtime: OnnxRuntime, options: Record<string, unknown>): Executor {
  return {
    name,
    version: runtime.env.versions.common,
    float: "float32",
    load: (program) => loadSession(name, runtime, options, program),
  };
}

async function loadSession(
  name: string,
  runtime: OnnxRuntime,
  options: Record<string, unknown>,
  program: Program,
): Promise<Executable> {
  let session: OnnxSession;
  try {
    session = await runtime.InferenceSession.create(program.onnx, options);
  } catch (cause) {
    throw new AnabranchError({
      code: "executor/compile",
      message: `${name} refused a program`,
      where: `program ${program.name}`,
      received: cause instanceof Error ? cause.message : String(cause),
      advice: `Install ${name}@1.30.0, or look for a shape that only the run would show.`,
      cause,
    });
  }
  let released = false;
  return {
    run: async (inputs) => {
      if (released) throw releasedError(program);
      bindInputs(program, inputs);
      const feeds: Record<string, OnnxTensor> = {};
      for (const port of program.inputs) {
        feeds[`in/${port.name}`] = toOnnx(runtime, inputs[port.name]!, `program ${program.name}, input ${port.name}`);
      }
      const results = await runSession(session, feeds, name, program);
      const outputs: Record<string, HostTensor> = {};
      for (const port of program.outputs) {
        const tensor = results[`out/${port.name}`]!;
        outputs[port.name] = { dtype: port.dtype, shape: tensor.dims, data: tensor.data };
      }
      return outputs as HostTensors;
    },
    release: async () => {
      if (released) return;
      released = true;
      await session.release();
    },
  };
}

function releasedError(program: Program): AnabranchError {
  return new AnabranchError({
    code: "executor/released",
    message: "a released program was run",
    where: `program ${program.name}`,
    advice: "Load the program again.",
  });
}

async function runSession(
  session: OnnxSession,
  feeds: Record<string, OnnxTensor>,
  name: string,
  program: Program,
): Promise<Record<string, OnnxTensor>> {
  try {
    return await session.run(feeds);
  } catch (cause) {
    throw new AnabranchError({
      code: "executor/run",
      message: `${name} failed while it ran a program`,
      where: `program ${program.name}`,
      received: cause instanceof Error ? cause.message : String(cause),
      advice: "Look for an index out of range or a scan of no steps among the inputs.",
      cause,
    });
  }
}

function toOnnx(runtime: OnnxRuntime, value: HostTensor, where: string): OnnxTensor {
  if (value.dtype === "float" && !(value.data instanceof Float32Array)) {
    throw new AnabranchError({
      code: "executor/input",
      message: "ONNX Runtime computes in float32",
      where,
      received: `${value.data.constructor.name}${formatShape(value.shape)}`,
      expected: "Float32Array",
      advice: "Convert with Float32Array.from(data).",
    });
  }
  return new runtime.Tensor(elementTypes[value.dtype], value.data, value.shape);
}
