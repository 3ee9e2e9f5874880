import { AnabranchError } from "../errors.ts";
import { formatShape } from "../graph/shape.ts";
import type { Program } from "../program.ts";
import type { HostTensors } from "./executor.ts";

/** Refuses inputs that do not fit the program's ports, and binds its symbolic dimensions. */
export function bindInputs(program: Program, inputs: HostTensors): Map<string, number> {
  const symbols = new Map<string, number>();
  for (const port of program.inputs) {
    const value = inputs[port.name];
    const fail = (message: string, received: string): never => {
      throw new AnabranchError({
        code: "executor/input",
        message,
        where: `program ${program.name}, input ${port.name}`,
        received,
        expected: `${port.dtype}${formatShape(port.shape)}`,
      });
    };
    if (value === undefined) return fail("an input is missing", "nothing");
    const shown = `${value.dtype}${formatShape(value.shape)}`;
    if (value.dtype !== port.dtype || value.shape.length !== port.shape.length) fail("an input does not fit", shown);
    let size = 1;
    port.shape.forEach((dim, axis) => {
      const extent = value.shape[axis]!;
      size *= extent;
      const expected = typeof dim === "number" ? dim : (symbols.get(dim) ?? extent);
      if (extent !== expected) fail("an input has another extent", shown);
      if (typeof dim === "string" && !dim.includes("*")) symbols.set(dim, extent);
    });
    if (value.data.length !== size) fail("an input's data do not fill its shape", `${value.data.length} elements`);
  }
  return symbols;
}
