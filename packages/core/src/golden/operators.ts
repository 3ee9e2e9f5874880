import * as z from "zod";
import { feedbackWrappers } from "../compression/index.ts";
import { affineOperator, compressedDescent, type MashaDraws, masha } from "../operators/index.ts";
import type { Operation } from "./operation.ts";
import { vector, vectorList } from "./quadratic-problem.ts";

/** F_m(z) = M_m z + q_m of every device, and a start. */
const problem = { matrices: z.array(vectorList).min(1), offsets: vectorList, z0: vector };
const positions = z.array(z.int().min(0));
const common = { k: z.int().positive(), stepSize: z.number().positive() };

const descentInput = z.strictObject({ ...problem, steps: z.int().positive() });
const descentOptions = z.strictObject({ wrapper: z.enum(["none", ...feedbackWrappers]), ...common });

const errorFeedback: Operation = {
  async run(input, given) {
    const { steps, z0, ...parts } = descentInput.parse(input);
    const { wrapper, ...options } = descentOptions.parse(given);
    const path = compressedDescent(devicesOf(parts), Float64Array.from(z0), { ...options, feedback: wrapper, steps });
    return { steps: path.map((point) => Array.from(point)) };
  },
};

const mashaInput = z.strictObject({
  ...problem,
  bits: z.array(z.union([z.literal(0), z.literal(1)])).min(1),
  indices: z.array(z.array(positions)).optional(),
});
const mashaOptions = z.strictObject({ variant: z.union([z.literal(1), z.literal(2)]), ...common });

const mashaOperation: Operation = {
  async run(input, given) {
    const { z0, bits, indices, ...parts } = mashaInput.parse(input);
    const options = { ...mashaOptions.parse(given), steps: bits.length };
    const draws: MashaDraws = {
      indices: (step, device) => positions.parse(indices?.[step]?.[device]),
      moves: (step) => bits[step] === 1,
      joins: () => true,
    };
    const path = masha(devicesOf(parts), Float64Array.from(z0), options, draws);
    return { steps: path.map(({ z: point, w }) => ({ z: Array.from(point), w: Array.from(w) })) };
  },
};

function devicesOf({ matrices, offsets }: { readonly matrices: number[][][]; readonly offsets: number[][] }) {
  return matrices.map((matrix, m) => affineOperator(matrix, vector.length(matrix.length).parse(offsets[m])));
}

/** Operators on devices whose messages are compressed. */
export const operatorOperations: Readonly<Record<string, Operation>> = {
  "operator.errorFeedback": errorFeedback,
  "operator.masha": mashaOperation,
};
