import { Contract, describe } from "../config/contract.ts";
import type { Layout } from "../params/layout.ts";
import { isVector } from "../params/vector.ts";
import { layoutOf, present, type Shapes } from "./shapes.ts";

/** A function of the server half, and the declared vectors that it returns. */
export interface ReturnedValues {
  /** "start", "compute" or "update". */
  readonly by: string;
  /** "server" or "computed". */
  readonly source: string;
  readonly shapes: Shapes;
  /** True: some of them may be left out. */
  readonly partial?: boolean;
}

const contract = new Contract("method");

/**
 * Refuses what a function of the server half returns unless it is the declared vectors: their names, a number for a
 * scalar, and an array of the declared length for any other. Throws `method/server-state` or `method/vector`.
 *
 * @param model of the model's parameters; without it lengths are not checked
 */
export function checkValues(returned: ReturnedValues, values: unknown, model?: Layout): void {
  const { by, source, shapes, partial = false } = returned;
  const declared = Object.keys(shapes);
  const needed = partial ? [] : present(shapes).map(([name]) => name);
  const names = { required: needed, optional: declared.filter((name) => !needed.includes(name)), source };
  const message = "the server half returns other vectors than the method declares";
  const record = contract.names("server-state", message, `${by}(...)`, values, names);
  for (const [name, shape] of present(shapes)) {
    const value = record[name];
    if (partial && value === undefined) continue;
    const expects = (what: string) =>
      contract.breach("vector", "a vector has the wrong type or length", `${by}(...).${name}`, describe(value), what);
    if (shape.kind === "scalar") {
      if (typeof value !== "number") throw expects("a number, as it is declared as SCALAR");
    } else {
      const size = model && layoutOf(name, shape, model).size;
      if (!isVector(value) || value.length !== (size ?? value.length))
        throw expects(`a Float32Array or Float64Array${size === undefined ? "" : ` of ${size}`}`);
    }
  }
}
