/**
 * What clients think of each other, number by number.
 *
 * bristle: J. Verbraeken, M. de Vos, J. Pouwelse, 2021, arXiv:2110.11006, and the authors' code. reputation: X. Xu, L. Lyu,
 * FL-ICML 2021, arXiv:2011.10464, and the authors' code.
 */
import { mean, minus, norm, plus, scaled, type Vector, zeros } from "./plain.ts";
import { type Oracle, plainUpdate, rounds } from "./problem.ts";

const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

interface Scored {
  readonly columns: readonly Vector[];
  /** By class. */
  readonly f1: Readonly<Record<string, number>>;
}

interface Neighbours {
  readonly familiar: readonly number[];
  readonly own: Scored;
  readonly peers: readonly (Scored & { readonly classes: number | null })[];
}

const u = (score: number) => Math.max(0, 10 / (1 + Math.exp(-score / 100)) - 4);

export function bristle({ familiar, own, peers }: Neighbours): object {
  const judged = peers.map(({ f1, classes }) => {
    const ranked = familiar.map((c) => ({ c, e: f1[c] ?? 0 })).sort((a, b) => b.e - a.e || a.c - b.c);
    const best = ranked.slice(0, classes ?? familiar.length);
    const middle = total(best.map(({ e }) => e)) / best.length;
    const spread = Math.sqrt(total(best.map(({ e }) => (e - middle) ** 2)) / best.length);
    const certainty = Math.max(0, middle - spread);
    const scores = new Map(
      best.map(({ c, e }) => {
        const mine = own.f1[c] ?? 0;
        const tenfold = 10 * Math.abs(e - mine);
        return [c, e > mine ? tenfold ** (3 + mine) : -(tenfold ** (4 + mine))] as const;
      }),
    );
    const classWeights = familiar.map((c) => (scores.has(c) ? certainty * u(Math.max(-100, scores.get(c)!)) : 0));
    return { certainty, classWeights, foreignWeight: certainty * u(total([...scores.values()])) };
  });
  const columns = own.columns.map((column, c) => {
    const weights = judged.map(({ classWeights, foreignWeight }) =>
      familiar.includes(c) ? classWeights[familiar.indexOf(c)]! : foreignWeight,
    );
    const sum = peers.reduce((all, peer, k) => plus(all, peer.columns[c]!, weights[k]!), column);
    return scaled(sum, 1 / (1 + total(weights)));
  });
  return { columns, peers: judged };
}

interface Contributors {
  readonly layers: readonly number[];
  readonly samples: readonly number[];
  /** [rounds, clients, d] */
  readonly updates: readonly (readonly Vector[])[];
}

interface Esteem {
  readonly alpha: number;
  readonly norm: number;
  readonly threshold: number;
  readonly warmup: number;
}

/** One round of the server of RFFL. `round` counts from 0, `r` is all 0 before the first. */
export function esteemRound(
  before: { readonly round: number; readonly r: Vector; readonly reputable: readonly number[] },
  updates: readonly Vector[],
  samples: readonly number[],
  { alpha, norm: bound, threshold, warmup }: Esteem,
) {
  const { round, reputable } = before;
  const bounded = updates.map((update) => (norm(update) > bound ? scaled(update, bound / norm(update)) : update));
  const weights = round === 0 ? samples.map((n) => n / total(samples)) : before.r;
  const aggregate = bounded.reduce((sum, update, i) => plus(sum, update, weights[i]!), zeros(bounded[0]!.length));
  const whole = (r: Vector) => (total(r) > 0 ? scaled(r, 1 / total(r)) : r);
  const cosine = (a: Vector, b: Vector) =>
    norm(a) * norm(b) === 0 ? 0 : total(a.map((value, j) => value * b[j]!)) / (norm(a) * norm(b));
  let r = whole(
    bounded.map((update, i) => {
      return reputable.includes(i) ? alpha * before.r[i]! + (1 - alpha) * cosine(update, aggregate) : 0;
    }),
  );
  let kept = reputable;
  if (round >= warmup) {
    const above = reputable.filter((i) => r[i]! >= threshold / reputable.length);
    if (above.length > 0) kept = above;
    r = whole(r.map((value, i) => (kept.includes(i) ? value : 0)));
  }
  return { aggregate, bounded, weights, r, reputable: kept };
}

/** The aggregate with the smallest entries of each layer set to 0, but for a share of them. */
export function rewarded(aggregate: Vector, layers: readonly number[], share: number): Vector {
  let begin = 0;
  return layers.flatMap((length) => {
    const layer = aggregate.slice(begin, begin + length);
    begin += length;
    const count = Math.ceil(Math.max(0, share) * length);
    const places = layer.map((_, j) => j).sort((a, b) => Math.abs(layer[b]!) - Math.abs(layer[a]!) || a - b);
    return layer.map((value, j) => (places.indexOf(j) < count ? value : 0));
  });
}

export function reputation({ layers, samples, updates }: Contributors, options: Esteem): object {
  let state = { round: 0, r: zeros(samples.length), reputable: samples.map((_, i) => i) as readonly number[] };
  const after = updates.map((sent, round) => {
    const next = esteemRound(state, sent, samples, options);
    state = { round: round + 1, r: next.r, reputable: next.reputable };
    const best = Math.max(...next.r);
    const rewards = next.r.map((own) => rewarded(next.aggregate, layers, best > 0 ? own / best : 0));
    return { ...next, rewards };
  });
  return {
    reputations: after.map(({ r }) => r),
    reputable: after.map(({ reputable }) => reputable),
    aggregates: after.map(({ aggregate }) => aggregate),
    rewards: after.map(({ rewards }) => rewards),
  };
}

/** Every client goes on from its own model; what is returned is the mean over clients that were not removed. */
export const rffl: Oracle = (problem, options) => {
  const esteem = {
    alpha: options.number("alpha"),
    norm: options.number("Gamma"),
    threshold: options.number("c", 1 / 3),
    warmup: options.number("warmup", 10),
  };
  const subtracts = options.flag("subtractOwn", false);
  const d = problem.x0.length;
  let models = problem.a.map(() => problem.x0);
  let state = { round: 0, r: zeros(models.length), reputable: models.map((_, i) => i) as readonly number[] };
  return rounds(problem, (_x, cohort) => {
    const updates = models.map((model, i) => (cohort.includes(i) ? plainUpdate(problem, i, model) : zeros(d)));
    const samples = models.map((_, i) => (cohort.includes(i) ? 1 : 0));
    const next = esteemRound(state, updates, samples, esteem);
    const best = Math.max(...next.r);
    models = models.map((model, i) => {
      if (!cohort.includes(i)) return model;
      const moved = plus(model, next.bounded[i]!);
      if (!next.reputable.includes(i)) return moved;
      const reward = rewarded(next.aggregate, [d], best > 0 ? next.r[i]! / best : 0);
      const own = scaled(next.bounded[i]!, subtracts ? next.weights[i]! : 0);
      return plus(
        moved,
        reward.map((value, j) => (value === 0 ? 0 : minus([value], [own[j]!])[0]!)),
      );
    });
    state = { round: state.round + 1, r: next.r, reputable: next.reputable };
    return mean(next.reputable.map((i) => models[i]!));
  });
};
