import { AnabranchError } from "../errors.ts";
import { dimParts, formatShape } from "../graph/shape.ts";
import type { DType, HostTensor } from "../graph/types.ts";
import type { Port, Program } from "../program/program.ts";
import type { HostTensors } from "./executor.ts";

/** What is checked of a program. */
type Ported = Pick<Program, "name" | "inputs">;

/** Array types that hold each element type; the interpreter takes both widths of float. */
const holders: Readonly<Record<DType, readonly string[]>> = {
  float: ["Float32Array", "Float64Array"],
  int32: ["Int32Array"],
  uint8: ["Uint8Array"],
  bool: ["Uint8Array"],
};

/**
 * Refuses inputs that do not fit the program's ports (`executor/input`), and binds its symbolic dimensions. An extent
 * such as "4*N" is compared with the N of an input that names it alone.
 */
export function bindInputs(program: Ported, inputs: HostTensors): Map<string, number> {
  const symbols = new Map<string, number>();
  for (const port of program.inputs) {
    const value = inputs[port.name];
    const problem = value === undefined ? ["an input is missing", "nothing"] : misfit(port, value);
    if (problem !== undefined) throw inputError(program, port, problem[0]!, problem[1]!);
    port.shape.forEach((dim, axis) => {
      if (typeof dim === "string" && !dim.includes("*") && !symbols.has(dim)) symbols.set(dim, value!.shape[axis]!);
    });
  }
  for (const port of program.inputs) {
    const value = inputs[port.name]!;
    const fits = port.shape.every((dim, axis) => {
      const { coefficient, symbol } = dimParts(dim);
      const unit = symbol === "" ? 1 : symbols.get(symbol);
      return unit === undefined || value.shape[axis] === coefficient * unit;
    });
    if (!fits) throw inputError(program, port, "an input has another extent", show(value));
  }
  return symbols;
}

/** What is wrong with an input whatever the symbols stand for: [problem, received]. */
function misfit(port: Port, value: HostTensor): readonly [string, string] | undefined {
  if (value.dtype !== port.dtype || value.shape.length !== port.shape.length) {
    return ["an input does not fit", show(value)];
  }
  const holder = value.data.constructor.name;
  if (!holders[port.dtype].includes(holder)) return ["an input's data are of another array type", holder];
  const size = value.shape.reduce((a, b) => a * b, 1);
  return value.data.length === size
    ? undefined
    : ["an input's data do not fill its shape", `${value.data.length} elements for ${show(value)}`];
}

function show(value: HostTensor): string {
  return `${value.dtype}${formatShape(value.shape)}`;
}

function inputError(program: Ported, port: Port, message: string, received: string): AnabranchError {
  return new AnabranchError({
    code: "executor/input",
    message,
    where: `program ${program.name}, input ${port.name}`,
    received,
    expected: `${port.dtype}${formatShape(port.shape)} in a ${holders[port.dtype].join(" or ")}`,
    advice: "Feed what the program's inputs list: name, element type, shape.",
  });
}
