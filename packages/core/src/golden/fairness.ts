import * as z from "zod";
import { decomposeDisparity, disparity, fairnessLimit, type Joint } from "../metrics/fairness/index.ts";
import type { Operation } from "./operation.ts";

const share = z.number().min(0);
const joint = z.array(z.array(z.array(share).min(1)).min(1)).min(1);
const limit = z.number().min(0);

export const disparityOperation: Operation = {
  async run(input) {
    return disparity(z.strictObject({ joint }).parse(input).joint);
  },
};

export const fairnessLimitOperation: Operation = {
  async run(input) {
    const problem = z.strictObject({ distribution: joint, globalLimit: limit, localLimit: limit }).parse(input);
    return { accuracy: fairnessLimit(problem.distribution, problem) };
  },
};

/** Two clients: P(Z=1|S=1) = P(Z=0|S=0) = a, P(Y=1|Z=1) = y1, P(Y=1|Z=0) = y0, P(S) = 1/2; caps are [global, local]. */
export const boundOperation: Operation = {
  async run(input) {
    const probability = z.number().min(0).max(1);
    const { a, y1, y0, caps } = z
      .strictObject({ a: probability, y1: probability, y0: probability, caps: z.array(z.tuple([limit, limit])) })
      .parse(input);
    const distribution = [0, 1].map((s) =>
      [0, 1].map((group) => {
        const weight = (group === s ? a : 1 - a) / 2;
        const positive = group === 1 ? y1 : y0;
        return [weight * (1 - positive), weight * positive];
      }),
    );
    const bound = ([globalLimit, localLimit]: [number, number]) =>
      fairnessLimit(distribution, { globalLimit, localLimit });
    return { accuracy: caps.map(bound) };
  },
};

/** The joint is given as [z][yhat][s]. */
export const decompositionOperation: Operation = {
  async run(input) {
    const given = z.strictObject({ joint }).parse(input).joint;
    const clients = given[0]![0]!.map((_, s): Joint[number] => given.map((rows) => rows.map((row) => row[s]!)));
    return decomposeDisparity(clients);
  },
};
