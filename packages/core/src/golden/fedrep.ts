import * as z from "zod";
import { fedrep } from "../algorithms/fedrep.ts";
import type { Operation } from "./operation.ts";
import { labelledRows, twoLayers, visit } from "./two-layers.ts";

const input = z.strictObject({
  parameters: twoLayers,
  ...labelledRows,
  batches: z.array(z.array(z.int().min(0)).min(1)).min(1),
  headEpochs: z.int().min(0),
  bodyEpochs: z.int().min(1),
  learningRate: z.number().positive(),
});

/** `parameters` after head epochs and body epochs over mini-batches in the given order, and `loss` on all rows. */
export const fedrepOperation: Operation = {
  async run(given) {
    const { batches, headEpochs, bodyEpochs, ...net } = input.parse(given);
    const passes = (count: number) => Array.from({ length: count }, () => batches).flat();
    const first = passes(headEpochs);
    return visit(fedrep({ headSteps: first.length }), { ...net, first, steps: passes(bodyEpochs) });
  },
};
