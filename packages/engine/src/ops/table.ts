import type { Operator } from "../graph/graph.ts";
import { constantOperator, inputOperator } from "../graph/sources.ts";
import { activationOperators } from "./activations.ts";
import { arccosineOperators } from "./arccosine.ts";
import { broadcastOperators } from "./broadcast.ts";
import { comparisonOperators } from "./comparison.ts";
import { condOperator, scanOperator } from "./control.ts";
import { convolutionOperators } from "./convolution.ts";
import { elementwiseOperators } from "./elementwise.ts";
import { identityOperator, stopGradientOperator } from "./identity.ts";
import { indexingOperators } from "./indexing.ts";
import { lowRankProductOperator } from "./low-rank-product.ts";
import { matmulOperators } from "./matmul.ts";
import { normalizationOperators } from "./normalization.ts";
import { pieceOperators } from "./pieces.ts";
import { poolingOperators } from "./pooling.ts";
import { reductionOperators } from "./reductions.ts";
import { selectionOperators } from "./selection.ts";
import { shapeOperators } from "./shape.ts";
import { softmaxOperators } from "./softmax.ts";
import { sortingOperators } from "./sorting.ts";

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
    ...arccosineOperators,
    ...comparisonOperators,
    ...selectionOperators,
    ...activationOperators,
    ...reductionOperators,
    ...shapeOperators,
    ...broadcastOperators,
    ...pieceOperators,
    ...indexingOperators,
    ...matmulOperators,
    lowRankProductOperator,
    ...convolutionOperators,
    ...poolingOperators,
    ...normalizationOperators,
    ...softmaxOperators,
    ...sortingOperators,
  ].map((operator) => [operator.name, operator]),
);
