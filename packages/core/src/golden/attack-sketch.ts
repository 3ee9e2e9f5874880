import * as z from "zod";
import { invertSketch } from "../adversary/sketch-inversion.ts";
import { denseSketch } from "../compression/index.ts";
import type { Operation } from "./operation.ts";
import { vector, vectorList } from "./quadratic-problem.ts";

const inputOf = z.strictObject({
  W: vectorList,
  label: z.int().min(0),
  matrix: vectorList,
  sketch: vector,
  start: vector,
});

/** The example behind a sketched gradient of a softmax regression. */
export const sketchAttackOperation: Operation = {
  async run(input) {
    const { W, label, matrix, sketch, start } = inputOf.parse(input);
    const gradient = { weights: W, label, sketch: denseSketch(matrix).apply, observed: sketch };
    const { x, squares } = invertSketch(gradient, Float64Array.from(start));
    return { x: Array.from(x), squares };
  },
};
