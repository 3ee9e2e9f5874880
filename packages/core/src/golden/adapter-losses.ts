import { gradients, type Tensor } from "@anabranch/engine";
import * as z from "zod";
import {
  matrixOf,
  meanGradientOf,
  type OwnModel,
  rowsOf,
  type SharedAdapter,
  taughtLoss,
  trainInTwoStages,
  twoHeadLoss,
  twoLogits,
} from "../adapters/index.ts";
import { modulate, routedLogits, routedLoss, routeInstances } from "../models/index.ts";
import { labelList } from "./distillation.ts";
import type { Operation } from "./operation.ts";
import { vector, vectorList } from "./quadratic-problem.ts";
import { listed, scalar, traced, tracedLabels } from "./traced.ts";

const FLOAT_BYTES = 4;
const share = z.number().min(0).max(1);

const lossInput = z.strictObject({
  ...{ teacher: vectorList, shared: vectorList, dual: vectorList },
  labels: labelList,
});
const lossOptions = z.strictObject({
  temperature: z.number().positive().default(3),
  kdWeight: share.default(0.5),
});

/** Losses of FedDAT's two adapters and their gradients with respect to the logits. */
const feddat: Operation = {
  async run(input, given) {
    const { teacher, shared, dual, labels } = lossInput.parse(input);
    const options = lossOptions.parse(given);
    const of = (student: Tensor, guide: Tensor) => {
      const loss = taughtLoss(student, guide, tracedLabels(labels), options);
      return { loss: scalar(loss), gradient: listed<number[][]>(gradients(loss, { student }).student) };
    };
    const [pupil, both] = [traced(shared), traced(dual)];
    const [first, second] = [of(pupil, traced(teacher)), of(both, pupil)];
    return {
      ...{ sharedLoss: first.loss, sharedGradient: first.gradient },
      ...{ dualLoss: second.loss, dualGradient: second.gradient },
    };
  },
};

const routeInput = z.strictObject({
  ...{ query: vector, keys: vectorList, gamma: vectorList, beta: vectorList },
  heads: z.array(vectorList).min(1),
  hidden: vector,
  label: z.int().min(0),
});
const routeOptions = z.strictObject({ top: z.int().positive().default(3), keyWeight: share.default(0.1) });

const fedins: Operation = {
  async run(input, given) {
    const { query, hidden, label, ...pool } = routeInput.parse(input);
    const { top, keyWeight } = routeOptions.parse(given);
    const [keys, gamma, beta, heads] = [pool.keys, pool.gamma, pool.beta, pool.heads].map(traced) as Tensor[];
    const routing = routeInstances(traced([query]), keys!, top);
    const modulated = modulate(traced([hidden]), { gamma: gamma!, beta: beta! }, routing);
    const logits = routedLogits(modulated, { heads: heads! }, routing);
    return {
      chosen: listed<number[][]>(routing.chosen)[0],
      similarities: listed<number[][]>(routing.similarities)[0],
      modulated: listed<number[][]>(modulated)[0],
      logits: listed<number[][]>(logits)[0],
      loss: scalar(routedLoss(logits, tracedLabels([label]), routing, keyWeight)),
    };
  },
};

const ownModel = { W1: vectorList, b1: vector, W2: vectorList, b2: vector };
const roundInput = z.strictObject({
  ...{ P: vectorList, Q: vectorList },
  clients: z.array(z.strictObject({ ...ownModel, X: vectorList, y: labelList })).min(1),
});
const roundOptions = z.strictObject({
  mu: share,
  learningRate: z.number().positive(),
  steps: z.int().min(0).default(1),
});

/** Clients after a round, and the shared adapter that the server makes of theirs, weighted by examples. */
const pfedlora: Operation = {
  async run(input, given) {
    const { P, Q, clients } = roundInput.parse(input);
    const { mu, ...descent } = roundOptions.parse(given);
    const shared: SharedAdapter = { P: traced(P), Q: traced(Q) };
    const trained = clients.map(({ X, y, W1, b1, W2, b2 }) => {
      const own: OwnModel = { W1: traced(W1), b1: traced(b1), W2: traced(W2), b2: traced(b2) };
      const loss = (model: OwnModel, adapter: SharedAdapter) =>
        twoHeadLoss(twoLogits(model, adapter, traced(X)), tracedLabels(y), mu);
      const result = trainInTwoStages({ own, shared }, loss, descent);
      const lists = Object.entries({ ...result.own, ...result.shared }).map(([name, tensor]) => [name, listed(tensor)]);
      return { losses: result.losses.map(scalar), ...Object.fromEntries(lists) };
    });
    const weights = clients.map(({ y }) => y.length);
    const mean = (name: "P" | "Q") =>
      rowsOf(
        meanGradientOf(
          trained.map((client) => matrixOf(client[name])),
          weights,
        ),
      );
    const floats = [P, Q].flat(2).length;
    return { clients: trained, P: mean("P"), Q: mean("Q"), bytesUpPerClient: FLOAT_BYTES * floats };
  },
};

/** Losses and local training of methods with adapters, in float64. */
export const adapterLosses: Readonly<Record<string, Operation>> = {
  "feddat.losses": feddat,
  "fedins.route": fedins,
  "pfedlora.round": pfedlora,
};
