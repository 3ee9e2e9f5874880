import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { sketching } from "../algorithms/sketching.ts";
import { countSketch, denseSketch, type Sketch, srht } from "../compression/index.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import type { Operation } from "./operation.ts";
import { clientLists, localProblem, vectorList } from "./quadratic-problem.ts";

const positions = z.array(z.int().min(0));
const signs = z.array(z.union([z.literal(-1), z.literal(1)]));
const table = z.discriminatedUnion("family", [
  z.strictObject({ family: z.literal("countsketch"), size: z.int().positive(), buckets: positions, signs }),
  z.strictObject({ family: z.literal("srht"), size: z.int().positive().optional(), rows: positions, signs }),
  z.strictObject({ family: z.literal("dense"), size: z.int().positive().optional(), matrix: vectorList }),
]);
const inputOf = z.strictObject({
  ...localProblem,
  cohorts: clientLists,
  tables: z.array(table),
  noise: z.array(z.array(z.array(z.array(z.number())))).nullish(),
});
const optionsOf = z.strictObject({
  serverLearningRate: z.number().positive().default(1),
  clipNorm: z.number().positive().nullish(),
});

/** Sketches of a trace take the place of drawn ones, and so does its noise. */
export const sketchTrace: Operation = {
  async run(input, given) {
    const { tables, noise, ...problem } = inputOf.parse(input);
    const { serverLearningRate, clipNorm } = optionsOf.parse(given);
    const method = sketching({ serverLearningRate, clipNorm: clipNorm ?? 0, gradientNoise: noise ? 1 : 0 });
    const plain = { feedback: "none", momentum: 0, nesterov: false, masking: true, scope: "model" } as const;
    const { rounds } = await traceFederation(noise ? withNoise(method, noise, problem.cohorts) : method, {
      ...problem,
      compression: {
        ...plain,
        up: [{ name: "count-sketch", size: 1 }],
        vectors: ["delta"],
        sketches: tables.map((each) => sketchOf(each, problem.x0.length)),
      },
    });
    return { rounds };
  },
};

function sketchOf(drawn: z.infer<typeof table>, d: number): Sketch {
  switch (drawn.family) {
    case "countsketch":
      return countSketch(drawn.size, drawn.buckets, drawn.signs);
    case "srht":
      return srht(d, drawn.signs, drawn.rows);
    case "dense":
      return denseSketch(drawn.matrix);
  }
}

/** By [round][place in cohort][step][d]. */
function withNoise(method: Algorithm, noise: number[][][][], cohorts: readonly number[][]): Algorithm {
  const entries = cohorts.flatMap((cohort, r) =>
    cohort.map((client, place) => [`${r + 1}/${client}`, noise[r]?.[place] ?? missing(r, place)] as const),
  );
  const draws = { noise: { kind: "normal", given: Object.fromEntries(entries) } } as const;
  return { ...method, client: { ...method.client, draws } };
}

function missing(round: number, place: number): never {
  throw new AnabranchError({
    code: "golden/case",
    message: "the case cannot be read",
    where: `trace.sketch.noise[${round}][${place}]`,
    received: "nothing",
    expected: "noise for every place of every cohort",
  });
}
