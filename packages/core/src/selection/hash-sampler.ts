import { AnabranchError } from "@anabranch/engine";
import type { Churn } from "./churn.ts";
import { remembered, type SelectionMemory, withValues } from "./feedback.ts";
import { type HashSample, type HashSampling, hashSample } from "./hash-sample.ts";
import type { Sampler } from "./sampler.ts";

/** Newest round in which each node was active, how many nodes announced themselves after it, and 1 where no model is left. */
const [ACTIVITY, JOINED, LOST] = ["activity", "joined", "lost"] as const;
/** Bytes of a ping or of its answer: a node and a round, 64 bits each. */
const PING = 16;
/** Bytes of one node in a view: its number, its newest round and its counter, 32 bits each. */
const VIEW_ENTRY = 12;

/**
 * MoDeST's sampler: the nodes of a round are the first that answer in an order of hashes, which every node computes from
 * what it knows of the others. Aggregators are the first of them. As messages of a round arrive everywhere in the same
 * order, one view stands for those of all nodes.
 *
 * A node that stops stays in the view for `activityWindow` rounds, and one that answers never drops out: it announces
 * itself again before its time is over, as nodes do that come back.
 *
 * Source: M. de Vos et al., 2023, arXiv:2302.13837.
 *
 * @param ids of the nodes, which are hashed
 */
export function hashSampler(ids: readonly string[], settings: HashSampling, churn: Churn): Sampler {
  const { sampleSize, activityWindow } = settings;
  const numbers = new Map(ids.map((id, client) => [id, client]));
  const numberOf = (id: string) => numbers.get(id)!;
  const order = (round: number, memory: SelectionMemory, answers: (client: number) => boolean): HashSample => {
    const activity = remembered(memory, ACTIVITY, ids.length);
    const view = ids.map((id, client) => ({ id, lastActivity: activity[client]! }));
    return hashSample(view, round, settings, (id) => answers(numberOf(id)));
  };
  const beginning = (round: number, memory: SelectionMemory) =>
    order(round, memory, (client) => churn.answers(client, round));
  return {
    name: "hash",
    sample(round, _keyOf, memory = {}) {
      if (memory[LOST]?.[0] === 1) throw nobodyLeft(round - 1);
      const { sample } = beginning(round, memory);
      return sample.map(numberOf).sort((a, b) => a - b);
    },
    agreementBytes(round, memory = {}) {
      const { order: candidates, sample, aggregators: averaging } = beginning(round, memory);
      // where too few answer, all have been asked
      const pinged = (found: readonly string[], wanted: number) =>
        found.length < wanted ? candidates.length : candidates.indexOf(found.at(-1)!) + 1;
      const pings =
        averaging.length * (pinged(sample, sampleSize) + sample.length) +
        sample.length * (pinged(averaging, settings.aggregators) + averaging.length);
      const [joined = 0] = memory[JOINED] ?? [];
      const views = 2 * averaging.length * sample.length * ids.length * VIEW_ENTRY;
      return PING * (pings + joined * sampleSize) + views;
    },
    feedback: {
      initial: {},
      learn(memory, round, picked, reports) {
        const trained = picked.filter((client) => churn.answersAfter(client, round));
        const seen = withValues(
          memory,
          ACTIVITY,
          ids.length,
          trained.map((client) => [client, round] as const),
        );
        const averaging = order(round + 1, seen, (client) => churn.answersAfter(client, round)).aggregators;
        const holders = averaging.map(numberOf).filter((client) => churn.answers(client, round + 1));
        const isLost = reports.length === 0 || holders.length === 0;
        return { ...withJoined(seen, ids.length, round, activityWindow, churn), [LOST]: [isLost ? 1 : 0] };
      },
    },
  };
}

/** Nodes that answer and would drop out of the view in the next round announce themselves. */
function withJoined(memory: SelectionMemory, nodes: number, round: number, window: number, churn: Churn) {
  const activity = remembered(memory, ACTIVITY, nodes);
  const joining = activity.flatMap((last, client) =>
    last <= round - window && churn.answers(client, round + 1) ? [[client, round] as const] : [],
  );
  return { ...withValues(memory, ACTIVITY, nodes, joining), [JOINED]: [joining.length] };
}

function nobodyLeft(round: number): AnabranchError {
  return new AnabranchError({
    code: "selection/no-model",
    message: "no node has the model of the last round: nobody's update arrived, or all aggregators have stopped",
    where: `round ${round}`,
    expected: "one node or more with the model",
    advice: "Raise sampler.cohort, algorithm.aggregators or schedule.deadline, or lower churn.share.",
  });
}
