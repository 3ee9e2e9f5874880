import type { Operator } from "../graph/operator.ts";
import { constantOperator, identityOperator, inputOperator, stopGradientOperator } from "./basic.ts";
import { condOperator, scanOperator } from "./control.ts";
import { elementwiseOperators } from "./elementwise.ts";
import { shapeOperators } from "./shape.ts";

/** The closed table of operators: a program names them, it never carries code. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  [
    inputOperator,
    constantOperator,
    identityOperator,
    stopGradientOperator,
    scanOperator,
    condOperator,
    ...elementwiseOperators,
    ...shapeOperators,
  ].map((operator) => [operator.name, operator]),
);
