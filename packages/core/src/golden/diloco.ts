import * as z from "zod";
import { diloco } from "../algorithms/diloco.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import { notThere, type Operation } from "./operation.ts";
import { quadratics, vector } from "./quadratic-problem.ts";

const inputOf = z.strictObject({ ...quadratics, x0: vector, steps: z.int().positive() });
const optionsOf = z.strictObject({
  inner: z.strictObject({
    name: z.enum(["sgd", "adamw"]),
    learningRate: z.number().positive(),
    betas: z.tuple([z.number(), z.number()]).optional(),
    epsilon: z.number().positive().optional(),
    weightDecay: z.number().min(0).default(0),
  }),
  H: z.int().positive(),
  tau: z.int().min(0).default(0),
  alpha: z.number().default(0),
  fragments: z.array(z.array(z.int().min(0))).optional(),
  offsets: z.array(z.int().min(0)).optional(),
  outerLearningRate: z.number().positive(),
  outerMomentum: z.number().min(0).lt(1),
  quantizer: z.string().optional(),
});

/** DiLoCo, which is Streaming DiLoCo with one fragment and neither delay nor mixing nor quantiser. */
export const dilocoOperation: Operation = {
  async run(input, given) {
    const { steps, ...problem } = inputOf.parse(input);
    const options = optionsOf.parse(given);
    requireOneFragment(options, problem.x0.length);
    const { inner, H, outerLearningRate, outerMomentum } = options;
    const moments =
      inner.name === "sgd"
        ? {}
        : {
            ...(inner.betas === undefined ? {} : { beta1: inner.betas[0], beta2: inner.betas[1] }),
            ...(inner.epsilon === undefined ? {} : { epsilon: inner.epsilon }),
          };
    const method = diloco({
      optimizer: inner.name,
      ...moments,
      serverLearningRate: outerLearningRate,
      serverMomentum: outerMomentum,
    });
    const everyone = problem.a.map((_, worker) => worker);
    const training = { ...problem, learningRate: inner.learningRate, weightDecay: inner.weightDecay };
    const [whole, rest] = [Math.floor(steps / H), steps % H];
    const cohorts = Array.from({ length: whole }, () => everyone);
    const trained = whole === 0 ? undefined : await traceFederation(method, { ...training, localSteps: H, cohorts });
    const rounds = trained?.rounds ?? [];
    const events = rounds.map((parameters, r) => ({ step: (r + 1) * H, fragment: 0, parameters }));
    const last = rounds.at(-1) ?? problem.x0;
    if (rest === 0) return { events, workers: everyone.map(() => last) };
    // steps after the last exchange: a round of its own for each worker, whose model the server would take as it is
    const workers: number[][] = [];
    const clients = trained?.clients.at(-1);
    for (const worker of everyone) {
      const alone = { ...training, localSteps: rest, cohorts: [[worker]] };
      const plain = diloco({ optimizer: inner.name, ...moments, serverLearningRate: 1, serverMomentum: 0 });
      const start = { ...alone, x0: last };
      workers.push((await traceFederation(plain, start, clients === undefined ? {} : { clients })).rounds[0]!);
    }
    return { events, workers };
  },
};

function requireOneFragment({ tau, alpha, fragments, offsets, quantizer }: z.infer<typeof optionsOf>, d: number): void {
  const whole = fragments === undefined || (fragments.length === 1 && fragments[0]!.length === d);
  const plain = tau === 0 && alpha === 0 && quantizer === undefined && (offsets ?? [0]).every((offset) => offset === 0);
  if (!whole || !plain) throw notThere("trace.streamingDiloco with fragments, delay, mixing or a quantizer");
}
