import { isFiniteVector } from "../params/vector.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { assignParts } from "./assign-parts.ts";
import { saveCheckpoint } from "./checkpoint-store.ts";
import { closeRound } from "./close.ts";
import { collect } from "./collect.ts";
import { diagnoseRound } from "./diagnose.ts";
import { troubleAfter } from "./divergence.ts";
import { evaluateRound } from "./evaluate.ts";
import { announceRound, announceRoundEnd } from "./narrate.ts";
import type { OpenRound, RoundWorld } from "./round-world.ts";
import type { RoundRecord } from "./run-plan.ts";

/** One version of the server's state: give out work, collect it, update, evaluate, commit. */
export async function runRound(world: RoundWorld): Promise<RoundRecord> {
  const { plan, ports, state, pipeline } = world;
  const started = performance.now();
  state.server = await pipeline.open(state.server, state.round + 1, ports);
  const opened = openRound(world);
  await announceRound(world, opened);
  const collected = await collect(world, opened);
  const trained = performance.now();
  const closed = await closeRound(world, opened, collected);
  const { feedback } = plan.sampler;
  if (feedback !== undefined) {
    state.selection = feedback.learn(state.selection, opened.round, opened.cohort, collected.reports);
  }
  const times = { started, trained, updated: performance.now() };
  const record = await announceRoundEnd(world, opened, collected, closed, times);
  const { round, clients } = record;
  const { parameters } = state.server.vectors;
  const finite = isFiniteVector(parameters);
  if (finite) await evaluateRound(plan, ports, state, record);
  if (finite) await diagnoseRound(world, opened, collected, closed, record);
  const { failures, cohort } = collected;
  const facts = { round, clients, parameters, loss: lossOf(record), cohort, failures };
  const { whyNotReleased } = closed;
  state.totals = { ...state.totals, trouble: troubleAfter(plan, state.totals.trouble, { ...facts, whyNotReleased }) };
  // nothing is to continue from a model that is not finite: the last checkpoint stays the newest
  if (finite && (round % plan.checkpointEvery === 0 || round === plan.rounds)) await saveCheckpoint(plan, ports, state);
  return record;
}

function openRound({ plan, state, pipeline }: RoundWorld): OpenRound {
  const round = state.round + 1;
  const learningRate = plan.learningRate(round);
  const chooses = plan.schedule.settle !== undefined;
  const cohort = chooses
    ? []
    : plan.sampler.sample(round, (of) => deriveKey(rootKey(plan.seed), "cohort", of), state.selection);
  const scalars = pipeline.publicScalars(state.server, round, learningRate);
  return { round, cohort, parts: assignParts(plan, round, cohort, state.server), learningRate, scalars };
}

/** The loss that a round is judged by. */
function lossOf({ testLoss, loss, clients }: RoundRecord) {
  if (testLoss !== undefined) return { of: "test", value: testLoss } as const;
  return clients === 0 ? undefined : ({ of: "training", value: loss } as const);
}
