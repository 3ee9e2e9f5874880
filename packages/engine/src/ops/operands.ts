import { AnabranchError } from "../errors.ts";
import type { Tensor } from "../graph/graph.ts";
import { formatShape } from "../graph/shape.ts";

/** Errors of shape rules about the operands they get. */

/** The error of a shape rule. */
export function shapeError(operator: string, message: string, received: string, expected: string): AnabranchError {
  return new AnabranchError({
    code: "engine/shape",
    message,
    where: operator,
    received,
    expected,
    advice: "Check the shapes that reach this operator; dimensions are listed as [d0, d1, ...].",
  });
}

/** "float[N, 3]" for error messages. */
export function showTensors(inputs: readonly Tensor[]): string {
  return inputs.map((t) => t.dtype + formatShape(t.shape)).join(", ");
}

/** Refuses operands of another element type than float. */
export function requireFloats(operator: string, operands: readonly Tensor[]): void {
  if (operands.every((t) => t.dtype === "float")) return;
  throw shapeError(operator, "operands must be float", showTensors(operands), "float");
}
