import { AnabranchError, type Config, clientsForSum, feedbackState, type RunPlan } from "@anabranch/core";

/**
 * Refuses what live runs cannot do. Throws `live/not-yet`.
 *
 * - baselines: nothing is exchanged in them
 * - plain sums: the server would see every update although the configuration speaks of secure aggregation
 * - attacks: they are made for clients of a simulation
 * - diagnostics of single clients' data, updates or processors: the server has none of these
 * - secure rounds without a checkpoint: a client that has helped to unmask a sum does not repeat the round
 * - rules that compare updates with one of the server: it trains none
 * - evaluation on clients' examples beside secure aggregation: the server would see the accuracy of each client
 */
export function requireLivePossible(config: Config): void {
  const { secureAggregation, checkpoint, privacy, data, evaluation, diagnostics, aggregation, baseline, attack } =
    config;
  if (baseline !== undefined) {
    const advice = "A baseline has all data in one place, or no exchange at all. Simulate it with: anabranch run";
    throw notYet("baseline", `"${baseline}"`, "no baseline", advice);
  }
  if (aggregation.rule === "fltrust") {
    const advice = "A server trains nothing itself. Choose another rule, or simulate the run with: anabranch run";
    throw notYet("aggregation.rule", '"fltrust"', '"multi-krum" or another rule', advice);
  }
  for (const metric of OF_CLIENTS) {
    if (!diagnostics[metric]) continue;
    const advice = `Only a simulation can measure it, as it has the clients. Set it to false, or simulate the run with: anabranch run`;
    throw notYet(`diagnostics.${metric}`, "true", "false", advice);
  }
  if (attack.name !== "none") {
    throw notYet("attack.name", JSON.stringify(attack.name), '"none"', "Only a simulation makes clients attack.");
  }
  if (secureAggregation.protocol === "plain") {
    const advice = "The server would see every update. Choose a protocol that hides them, or leave the section out.";
    throw notYet("secureAggregation.protocol", '"plain"', '"bonawitz", "secagg+" or "lightsecagg"', advice);
  }
  if (secureAggregation.protocol !== "none" && checkpoint.every !== 1) {
    const advice =
      "Clients help to unmask one sum per round, so every round has to be saved. Leave checkpoint.every out.";
    throw notYet("checkpoint.every", String(checkpoint.every), "1", advice);
  }
  if (secureAggregation.protocol !== "none" && data.holdout > 0 && evaluation.clientEvery > 0) {
    const advice = "The server would see the accuracy of each client. Leave data.holdout at 0.";
    throw notYet("evaluation.clientEvery", String(evaluation.clientEvery), "0", advice);
  }
  const summed = privacy.noise === "distributed" && secureAggregation.protocol !== "none";
  if (privacy.mechanism !== "none" && privacy.noise !== "central" && !summed) {
    throw notYet(
      "privacy.noise",
      JSON.stringify(privacy.noise),
      '"central", or "distributed" with [secureAggregation]',
      "Let the server add the noise, or simulate it with: anabranch run",
    );
  }
}

/** Diagnostics that need what clients never send. */
const OF_CLIENTS = ["flatness", "clipping", "compression", "processorTime"] as const;

/** Diagnostics of single updates, which are no part of what a private run may release. */
const OF_UPDATES = ["coherence", "preconditioners"] as const;

/**
 * Refuses what would make the epsilon of a live run untrue. Throws `live/not-yet`.
 *
 * - records: the noise follows from the fewest examples of a client, which only the client knows here
 * - rounds without a checkpoint: after a crash they would be trained again and released with other noise
 * - diagnostics of updates: they are computed without noise
 * - models that clients evaluate: they would be released before the checkpoint of their round
 * - epochs beside noise of clients: the time that a client takes would tell the server how many examples it has
 */
export function requireTrueEpsilon(config: Config, { stages }: RunPlan): void {
  const { privacy, checkpoint, evaluation, data, diagnostics, training } = config;
  if (privacy.mechanism === "none") return;
  for (const metric of OF_UPDATES) {
    if (!diagnostics[metric]) continue;
    const advice = "Epsilon does not cover it. Set it to false, or simulate the run with: anabranch run";
    throw notYet(`diagnostics.${metric}`, "true", "false", advice);
  }
  if (stages.privacy?.fewestRecords !== undefined) {
    const advice = "Use client-level privacy, or simulate the run with: anabranch run";
    throw notYet("algorithm.protects", '"records"', '"clients"', advice);
  }
  if (checkpoint.every !== 1) {
    const advice = "A private live run saves every round before its model is sent. Leave checkpoint.every out.";
    throw notYet("checkpoint.every", String(checkpoint.every), "1", advice);
  }
  if (data.holdout > 0 && evaluation.clientEvery > 0) {
    throw notYet("evaluation.clientEvery", String(evaluation.clientEvery), "0", "Leave data.holdout at 0.");
  }
  if (privacy.noise === "distributed" && training.localSteps === undefined) {
    const advice = "Set training.localSteps: the time that a client takes must not depend on how many examples it has.";
    throw notYet("training.localEpochs", String(training.localEpochs), "training.localSteps instead", advice);
  }
}

/**
 * Refuses a run with noise of clients whose population is not fixed at its start: those that have joined, which is all
 * places. Once they have joined, a resumed run may go on with fewer. Throws `live/minimum-clients`.
 */
export function requireFixedRoll(
  { privacy }: Config,
  minimumClients: number,
  population: number,
  joined: number,
): void {
  if (privacy.noise !== "distributed" || minimumClients === population || joined === population) return;
  throw new AnabranchError({
    code: "live/minimum-clients",
    message: "a run with noise of clients waits for all of them before its first round",
    where: "--clients",
    received: `${minimumClients}, and ${joined} clients have joined`,
    expected: `${population}, the places of the run (data.clients)`,
    advice: "Leave out --clients, or lower data.clients to the number of clients that take part.",
  });
}

function notYet(where: string, received: string, expected: string, advice: string): AnabranchError {
  const message = "live runs do not support this setting yet";
  return new AnabranchError({ code: "live/not-yet", message, where, received, expected, advice });
}

/**
 * Refuses what an asynchronous live run cannot do. Throws `live/not-yet`.
 *
 * - rounds without a checkpoint: after a crash the updates of several rounds would have to be told apart
 * - methods whose clients keep a state: it is known by the version that was trained, which may be trained twice
 * - simulated speeds: clients take real time
 */
export function requireLiveSchedule(
  { checkpoint, devices }: Config,
  { schedule, payloads, stages, algorithm }: RunPlan,
): void {
  if (devices.speed !== "none") {
    throw notYet("devices.speed", `"${devices.speed}"`, '"none"', "Clients take real time: leave [devices] out.");
  }
  if (schedule.settle === undefined) return;
  if (checkpoint.every !== 1) {
    const advice = "An asynchronous live run saves every round. Leave checkpoint.every out.";
    throw notYet("checkpoint.every", String(checkpoint.every), "1", advice);
  }
  const kept = [...Object.keys(payloads.clientState), ...Object.keys(feedbackState(stages, payloads))];
  if (kept.length > 0) {
    const received = `"${algorithm.name}", whose clients keep ${kept.join(", ")}, with the schedule "${schedule.name}"`;
    const advice = 'Choose a method without client state, or set schedule.name = "synchronous".';
    throw notYet("algorithm.name", received, "a method whose clients keep nothing", advice);
  }
}

/** Refuses to wait for more clients than a run has places. Throws `live/minimum-clients`. */
export function requireRoll(minimumClients: number, population: number): void {
  if (minimumClients >= 1 && minimumClients <= population) return;
  throw new AnabranchError({
    code: "live/minimum-clients",
    message: "the run cannot wait for so many clients",
    where: "--clients",
    received: String(minimumClients),
    expected: `1 to ${population}, the places of the run (data.clients)`,
    advice: "Lower --clients, or raise data.clients.",
  });
}

/** What the operator should know of a run that begins with fewer clients than a sum needs; undefined: nothing. */
export function tooFewForSum(
  minimumClients: number,
  { stages }: Pick<RunPlan, "stages">,
  { sampler, secureAggregation: { protocol } }: Config,
): string | undefined {
  if (stages.secureAggregation === undefined) return undefined;
  const needed = clientsForSum(stages.secureAggregation, Math.round(sampler.cohort));
  if (minimumClients >= needed) return undefined;
  return (
    `A sum of ${protocol} needs ${needed} clients of the cohort, and the run starts with ${minimumClients}. ` +
    `Rounds end without a sum until more have joined. Start with --clients ${needed} or more.`
  );
}
