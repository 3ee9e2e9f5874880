import * as z from "zod";
import {
  cyclicCode,
  decodeGradient,
  encodeGradients,
  fractionalCode,
  Multiplexed,
  SelectiveRepeat,
  type SequentialScheme,
} from "../coding/index.ts";
import type { Operation } from "./operation.ts";
import { vectorList } from "./quadratic-problem.ts";

const codeInput = z.strictObject({
  scheme: z.enum(["cyclic", "fractional"]),
  workers: z.int(),
  stragglers: z.int(),
  seedMatrix: z.array(z.array(z.number())).default([]),
  gradients: vectorList,
  arrived: z.array(z.array(z.int().min(0))),
});

/** `code` [n, n], `messages` of the workers and the `decoded` sum for each list of arrived workers. */
export const gradientCodeOperation: Operation = {
  async run(input) {
    const { scheme, workers, stragglers, seedMatrix, gradients, arrived } = codeInput.parse(input);
    const code =
      scheme === "cyclic" ? cyclicCode(workers, stragglers, seedMatrix) : fractionalCode(workers, stragglers);
    const messages = encodeGradients(code, gradients);
    const decoded = arrived.map((of) =>
      decodeGradient(
        code,
        of,
        of.map((worker) => messages[worker]!),
      ),
    );
    return {
      code: Array.from({ length: workers }, (_, i) => Array.from(code.code.subarray(i * workers, (i + 1) * workers))),
      messages: messages.map((message) => Array.from(message)),
      decoded: decoded.map((sum) => Array.from(sum)),
    };
  },
};

const sequentialInput = z
  .strictObject({
    workers: z.int(),
    B: z.int(),
    W: z.int(),
    lambda: z.int(),
    jobs: z.int(),
    stragglersByRound: z.array(z.array(z.int().min(0))),
  })
  .transform(({ workers, B, W, lambda, jobs, stragglersByRound }) => {
    return { sizes: { workers, burst: B, window: W, most: lambda, jobs }, stragglersByRound };
  });

/** `tasks` [round][worker]: the job of each worker; `finished` [job]: the round at whose end it can be decoded. */
export const selectiveRepeatOperation: Operation = {
  async run(input) {
    const { sizes, stragglersByRound } = sequentialInput.parse(input);
    const scheme = new SelectiveRepeat(sizes);
    const tasks = play(scheme, stragglersByRound);
    const { tolerance, load, finished } = scheme;
    return { tolerance, load, tasks, finished };
  },
};

/** `tasks` [round][worker][slot]: a chunk of the worker's own, a coded result of a group, or nothing. */
export const multiplexedOperation: Operation = {
  async run(input) {
    const { sizes, stragglersByRound } = sequentialInput.parse(input);
    const scheme = new Multiplexed(sizes);
    const tasks = play(scheme, stragglersByRound).map((round) =>
      round.map((slots) => slots.map((task) => task && [task.kind, task.job, task.index])),
    );
    const { delay, load, partSize, codedSize, finished } = scheme;
    return { delay, load, partSize, codedSize, tasks, finished };
  },
};

/** All rounds of a scheme with given stragglers; none in rounds that are not listed. */
function play<Task>(scheme: SequentialScheme<Task>, late: readonly (readonly number[])[]): (readonly Task[])[] {
  return Array.from({ length: scheme.rounds }, (_, round) => {
    const { tasks } = scheme;
    scheme.endRound(new Set(late[round]));
    return tasks;
  });
}
