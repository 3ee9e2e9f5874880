import { add } from "@anabranch/engine";
import * as z from "zod";
import type { Algorithm, ClientHalf, ClientResult, Local, ParameterTensors } from "../algorithms/algorithm.ts";
import { combine } from "../algorithms/parameter-tensors.ts";
import { CHOSEN, rerce, SILENT } from "../algorithms/rerce.ts";
import type { ClientVectors } from "../round/client-state.ts";
import { type FederationTrace, traceFederation } from "../simulation/trace-federation.ts";
import type { Operation } from "./operation.ts";
import { clientLists, quadratics, vectorList } from "./quadratic-problem.ts";

const inputOf = z.strictObject({
  ...quadratics,
  cohorts: clientLists,
  downNoise: z.array(vectorList).optional(),
  upNoise: z.array(vectorList).optional(),
});
const optionsOf = z.strictObject({
  name: z.literal("rerce").optional(),
  rho: z.number().positive().default(1),
  continual: z.boolean().default(false),
});
type Problem = z.infer<typeof inputOf>;

/** `rounds`: the mean after each round, the first one from the clients' starts; `clients`: their models at the end. */
export const rerceOperation: Operation = {
  async run(input, given) {
    const problem = inputOf.parse(input);
    const { rho, continual } = optionsOf.parse(given);
    const play = new Play(problem, rho, rerce({ proximalStrength: rho, continual }));
    const everyone = problem.a.map((_, client) => client);
    for (const [round, cohort] of problem.cohorts.entries()) {
      if (continual) await play.round(everyone, round, round === 0 ? everyone : cohort);
      else await play.round(cohort, round, cohort);
      // clients that were not in the first cohort start from the same vector as those that were
      if (round === 0 && !continual) await play.visit(everyone.filter((client) => !cohort.includes(client)));
    }
    return { rounds: play.means, clients: everyone.map((client) => Array.from(play.model(client))) };
  },
};

/** Rounds one at a time, as every link has noise of its own in each. */
class Play {
  readonly means: number[][] = [];
  #server: FederationTrace["server"] | undefined;
  readonly #clients = new Map<number, ClientVectors>();
  readonly #lastSent = new Map<number, readonly number[]>();
  readonly #problem: Problem;
  readonly #training: { readonly learningRate: number; readonly localSteps: number };
  readonly #method: Algorithm;

  constructor(problem: Problem, rho: number, method: Algorithm) {
    const curvatures = problem.a.flat();
    const [least, most] = [Math.min(...curvatures) + rho, Math.max(...curvatures) + rho];
    this.#problem = problem;
    this.#method = withChannelNoise(method);
    // descent by 1 / L shrinks the distance to the argmin by 1 - m / L a step
    this.#training = { learningRate: 1 / most, localSteps: Math.ceil((40 * most) / least) };
  }

  async round(cohort: readonly number[], round: number, senders: readonly number[]): Promise<void> {
    const { rounds, clients, server } = await this.#run(cohort, senders, round, this.#server);
    for (const [client, state] of clients[0]!) this.#clients.set(client, state);
    this.#server = server;
    this.means.push(rounds[0]!);
  }

  /** Gives clients their first model; the server does not listen. */
  async visit(cohort: readonly number[]): Promise<void> {
    if (cohort.length === 0) return;
    const { clients } = await this.#run(cohort, cohort, undefined, undefined);
    for (const client of cohort) this.#clients.set(client, clients[0]!.get(client)!);
  }

  model(client: number): ArrayLike<number> {
    return this.#clients.get(client)!["model"]!;
  }

  #run(
    cohort: readonly number[],
    senders: readonly number[],
    round: number | undefined,
    server: FederationTrace["server"] | undefined,
  ): Promise<FederationTrace> {
    const { a, b } = this.#problem;
    const clients = new Map(cohort.map((client) => [client, this.#withNoise(client, round, senders)]));
    const assign = () => cohort.map((client) => (senders.includes(client) ? CHOSEN : SILENT));
    const method = this.#method.assign === undefined ? this.#method : { ...this.#method, assign };
    const problem = { a, b, x0: a[0]!.map(() => 0), ...this.#training, cohorts: [cohort] };
    return traceFederation(method, problem, { clients, ...(server === undefined ? {} : { server }) });
  }

  /** A client's state with the noise of its links in this round. */
  #withNoise(client: number, round: number | undefined, senders: readonly number[]): ClientVectors {
    const { a, downNoise, upNoise } = this.#problem;
    const zeros = () => new Float64Array(a[0]!.length);
    const noise = (given: typeof upNoise) =>
      round === undefined || given === undefined ? zeros() : Float64Array.from(given[round]![client]!);
    const received = this.#server === undefined ? zeros() : noise(downNoise);
    const sent = noise(upNoise);
    const known = this.#clients.get(client) ?? this.#firstState(zeros);
    if (this.#method.assign === undefined) return { ...known, receivedNoise: received, sentNoise: sent };
    // what is sent is the change of a vector that the server has with the noise of its last sending
    const last = this.#lastSent.get(client);
    const change = sent.map((value, i) => value - (last?.[i] ?? 0));
    if (senders.includes(client)) this.#lastSent.set(client, Array.from(sent));
    return { ...known, receivedNoise: received, sentNoise: change };
  }

  #firstState(zeros: () => Float64Array): ClientVectors {
    const flags = { visited: new Float64Array(1) };
    if (this.#method.assign === undefined) return { model: zeros(), ...flags };
    return { model: zeros(), target: zeros(), sent: zeros(), received: new Float64Array(1), ...flags };
  }
}

/** The same method over links that add given noise to what a client receives and sends: the vectors stand in its state. */
function withChannelNoise(method: Algorithm): Algorithm {
  const heard = <L extends Local>(local: L): L => {
    const target = combine(add, local.broadcast["target"]!, local.state["receivedNoise"]!);
    return { ...local, broadcast: { ...local.broadcast, target } };
  };
  const { client } = method;
  const noisy: ClientHalf = {
    begin: (local, settings) => client.begin(heard(local), settings),
    step: (carry, local, settings) => client.step(carry, heard(local), settings),
    end(carry, local): ClientResult {
      const { update, state } = client.end(carry, heard(local));
      const { receivedNoise, sentNoise } = local.state;
      const sent = Object.entries(update).map(([name, value]): [string, ParameterTensors] => {
        return [name, combine(add, value, sentNoise!)];
      });
      return {
        update: Object.fromEntries(sent),
        state: { ...state, receivedNoise: receivedNoise!, sentNoise: sentNoise! },
      };
    },
  };
  return {
    ...method,
    client: noisy,
    payloads(model) {
      const payloads = method.payloads(model);
      return { ...payloads, clientState: { ...payloads.clientState, receivedNoise: model, sentNoise: model } };
    },
  };
}
