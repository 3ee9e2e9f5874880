import type { Operator } from "../graph/operator.ts";
import { activationOperators } from "./activations.ts";
import { constantOperator, identityOperator, inputOperator, stopGradientOperator } from "./basic.ts";
import { comparisonOperators } from "./comparison.ts";
import { condOperator, scanOperator } from "./control.ts";
import { convolutionOperators } from "./convolution.ts";
import { elementwiseOperators } from "./elementwise.ts";
import { indexingOperators } from "./indexing.ts";
import { matmulOperators } from "./matmul.ts";
import { normalizationOperators } from "./normalization.ts";
import { pieceOperators } from "./pieces.ts";
import { poolingOperators } from "./pooling.ts";
import { reductionOperators } from "./reductions.ts";
import { shapeOperators } from "./shape.ts";
import { softmaxOperators } from "./softmax.ts";

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
    ...comparisonOperators,
    ...activationOperators,
    ...reductionOperators,
    ...shapeOperators,
    ...pieceOperators,
    ...indexingOperators,
    ...matmulOperators,
    ...convolutionOperators,
    ...poolingOperators,
    ...normalizationOperators,
    ...softmaxOperators,
  ].map((operator) => [operator.name, operator]),
);
