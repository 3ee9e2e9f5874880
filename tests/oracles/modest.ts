/**
 * Federated averaging among nodes that find each other by hashes.
 *
 * modest: M. de Vos et al., 2023, arXiv:2302.13837. The clock of a round: pings of the nodes that train, training (nodes
 * may stop), pings of the next aggregators, averaging (nodes may stop).
 */
import { createHash } from "node:crypto";
import { mean, plus, type Vector } from "./plain.ts";
import { type Problem, plainUpdate } from "./problem.ts";

interface Modest extends Omit<Problem, "cohorts"> {
  readonly ids: readonly string[];
  readonly rounds: number;
  readonly sampleSize: number;
  readonly aggregators: number;
  readonly activityWindow: number;
  readonly stopped?: readonly number[];
  readonly from?: number;
  readonly until?: number;
  readonly during?: string;
}

export function modest(given: Modest): object {
  const { ids, sampleSize: s, aggregators: a, activityWindow, stopped = [], from = 1, until = 1e9 } = given;
  const all = ids.map((_, node) => node);
  const seen = all.map(() => 0);
  /** Half-rounds: 2 r when round r begins, 2 r + 1 when its nodes have trained. */
  const downFrom = 2 * from + (given.during === "averaging" ? 2 : 1);
  const up = (node: number, half: number) => !stopped.includes(node) || half < downFrom || Math.floor(half / 2) > until;
  const digest = (node: number, round: number) => createHash("md5").update(`${ids[node]}-${round}`).digest("hex");
  /** Candidates in turn until enough have answered. */
  const ask = (round: number, half: number, wanted: number) => {
    const known = all.filter((node) => seen[node]! >= round - activityWindow);
    const queue = known.sort((p, q) => digest(p, round).localeCompare(digest(q, round)));
    const found: number[] = [];
    let pings = 0;
    while (found.length < wanted && pings < queue.length) {
      const node = queue[pings++]!;
      if (up(node, half)) found.push(node);
    }
    return { found, pings };
  };
  let x = given.x0;
  let announced = 0;
  const [cohorts, after, bytes]: [number[][], Vector[], number[]] = [[], [], []];
  for (let round = 1; round <= given.rounds; round++) {
    const [train, average] = [ask(round, 2 * round, s), ask(round, 2 * round, a)];
    const sent = train.found.filter((node) => up(node, 2 * round + 1)).sort((p, q) => p - q);
    x = plus(x, mean(sent.map((i) => plainUpdate({ ...given, cohorts: [] }, i, x))));
    const [trainers, averagers] = [train.found.length, average.found.length];
    const exchanged = averagers * (train.pings + trainers) + trainers * (average.pings + averagers);
    bytes.push(16 * (exchanged + announced * s) + 2 * trainers * averagers * 12 * ids.length);
    for (const node of sent) seen[node] = round;
    const late = all.filter((node) => seen[node]! < round + 1 - activityWindow && up(node, 2 * round + 2));
    for (const node of late) seen[node] = round;
    announced = late.length;
    cohorts.push(sent);
    after.push(x);
  }
  return { cohorts, rounds: after, bytes };
}
