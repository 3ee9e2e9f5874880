import * as z from "zod";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { seededWalk } from "../algorithms/fedkseed.ts";
import { projectedAveraging } from "../algorithms/ferret.ts";
import { loggedProbes } from "../algorithms/onebyte.ts";
import { toByte } from "../compression/index.ts";
import type { Vector } from "../params/vector.ts";
import { type FederationTrace, traceFederation } from "../simulation/trace-federation.ts";
import type { Operation } from "./operation.ts";
import { clientLists, localProblem, vectorList } from "./quadratic-problem.ts";

const problemOf = { ...localProblem, cohorts: clientLists };
const lists = z.array(vectorList);
const indices = z.array(z.array(z.array(z.int().min(0))));

/** What the server half was given in each round. */
async function traced(method: Algorithm, problem: Parameters<typeof traceFederation>[1]) {
  const uploads: Readonly<Record<string, Vector>>[] = [];
  const states: Readonly<Record<string, Vector>>[] = [];
  const trace: FederationTrace = await traceFederation(
    {
      ...method,
      update(state, aggregate, context) {
        uploads.push(aggregate);
        const next = method.update(state, aggregate, context);
        states.push(next.vectors);
        return next;
      },
    },
    problem,
  );
  return { ...trace, uploads, states };
}

/** Values that are given by place in the cohort, by client. */
function byClient<T>(cohorts: readonly (readonly number[])[], given: readonly (readonly T[])[]) {
  return given.map((places, round) => Object.fromEntries(places.map((value, k) => [cohorts[round]![k]!, value])));
}

function rowsOf(vector: Vector, rows: number): number[][] {
  const width = vector.length / rows;
  return Array.from({ length: rows }, (_, k) => Array.from(vector.subarray(k * width, (k + 1) * width)));
}

const fedkseedInput = z.strictObject({ ...problemOf, directions: vectorList, picks: indices });
const fedkseedOptions = z.strictObject({
  epsilon: z.number().positive(),
  learningRate: z.number().positive(),
  pro: z.boolean().default(false),
});

const fedkseed: Operation = {
  async run(input, given) {
    const { directions, picks, ...problem } = fedkseedInput.parse(input);
    const { epsilon, learningRate, pro } = fedkseedOptions.parse(given);
    const method = seededWalk({
      seeds: directions.length,
      perturbation: epsilon,
      pro,
      directions: { family: "given", rows: directions },
      picks: byClient(problem.cohorts, picks),
    });
    const { rounds, states, uploads, server } = await traced(
      { name: "fedkseed", options: {}, ...method },
      { ...problem, learningRate, localSteps: picks[0]![0]!.length },
    );
    return {
      rounds: rounds.map((parameters, r) => ({
        parameters,
        coefficients: Array.from(states[r]!["coefficients"]!, (a) => a / learningRate),
        scalars: rowsOf(uploads[r]!["pairs"]!, problem.cohorts[r]!.length).map((row) => row.slice(row.length / 2)),
        ...(pro ? { probabilities: probabilitiesAfter(method, server, states[r]!) } : {}),
      })),
    };
  },
};

/** What the server would send after a round. */
function probabilitiesAfter(
  method: Pick<Algorithm, "broadcast">,
  state: FederationTrace["server"],
  vectors: Readonly<Record<string, Vector>>,
): number[] {
  const after = { ...state, vectors: { ...state.vectors, ...vectors } };
  return Array.from(method.broadcast(after, {}, 1)["probabilities"]!);
}

const onebyteInput = z.strictObject({ ...problemOf, directions: z.array(lists) });
const onebyteOptions = z.strictObject({
  epsilon: z.number().positive(),
  learningRate: z.number().positive(),
  normalization: z.enum(["mean", "sqrt"]).default("mean"),
  quantize: z.boolean().default(true),
});

const onebyte: Operation = {
  async run(input, given) {
    const { directions, ...problem } = onebyteInput.parse(input);
    const { epsilon, learningRate, normalization, quantize } = onebyteOptions.parse(given);
    const method = loggedProbes({
      perturbation: epsilon,
      normalization,
      quantize,
      directions: { family: "given", rows: directions },
    });
    const machines = problem.a.map((_, machine) => machine);
    const { rounds, uploads } = await traced(
      { name: "onebyte", options: {}, ...method },
      { ...problem, learningRate, cohorts: directions.map(() => machines), localSteps: directions[0]![0]!.length },
    );
    return { rounds, ...(quantize ? { log: uploads.map(({ slopes }) => Array.from(slopes!, toByte)) } : {}) };
  },
};

const ferretInput = z.strictObject({
  ...problemOf,
  blocks: z.array(z.int().positive()).min(1),
  directions: z.array(lists),
  order: z.array(indices),
});
const ferretOptions = z.strictObject({
  K: z.int().positive(),
  variant: z.enum(["unbiased", "code"]).default("unbiased"),
  serverLearningRate: z.number().default(1),
});

const ferret: Operation = {
  async run(input, given) {
    const { blocks, directions, order, ...problem } = ferretInput.parse(input);
    const { K, ...options } = ferretOptions.parse(given);
    const method = projectedAveraging({
      ...options,
      count: K,
      blocks,
      directions: { family: "given", rows: directions },
      orders: byClient(problem.cohorts, order),
    });
    const { payloads } = method;
    // each client's coordinates, which a run adds up as they come
    const budgets: number[][][] = [];
    const apart: Algorithm = {
      name: "ferret",
      options: {},
      ...method,
      payloads(model, settings) {
        const { upload, ...others } = payloads(model, settings);
        const { coordinates } = upload;
        return { ...others, upload: { coordinates: { ...coordinates!, aggregation: "each" } } };
      },
      update(state, { coordinates }, context) {
        const rows = rowsOf(coordinates!, context.cohortSize);
        budgets.push(rows.map((row) => blocks.map((_, l) => used(row.slice(l * K, (l + 1) * K)))));
        const mean = Float64Array.from(rows[0]!, (_, j) => rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length);
        return method.update(state, { coordinates: mean }, context);
      },
    };
    const { rounds } = await traceFederation(apart, problem);
    return { rounds, budgets };
  },
};

/** Directions that a client used of a block: at least 2, however little it changed. */
function used(coordinates: readonly number[]): number {
  return Math.max(2, coordinates.filter((value) => value !== 0).length);
}

/** Federations whose clients send numbers along given directions. */
export const zerothOrderOperations: Readonly<Record<string, Operation>> = {
  "trace.fedkseed": fedkseed,
  "trace.onebyte": onebyte,
  "trace.ferret": ferret,
};
