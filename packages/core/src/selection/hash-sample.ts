import { md5 } from "./md5.ts";

/** What a node knows of another one. */
export interface KnownPeer {
  readonly id: string;
  /** Newest round in which it took part. */
  readonly lastActivity: number;
  readonly left?: boolean | undefined;
}

/** How MoDeST picks the nodes of a round. */
export interface HashSampling {
  /** Nodes that train. */
  readonly sampleSize: number;
  /** Nodes that average. */
  readonly aggregators: number;
  /** Peers that were not active for more rounds than this are no candidates. */
  readonly activityWindow: number;
}

export interface HashSample {
  /** All candidates. */
  readonly order: readonly string[];
  readonly sample: readonly string[];
  readonly aggregators: readonly string[];
}

/**
 * The nodes of a round as MoDeST finds them without a server: candidates in the order of MD5(id-round), which all nodes
 * with the same view agree on; of these the first that answer. The first of them are aggregators as well.
 *
 * Reference: M. de Vos et al., "Decentralized Learning Made Practical with Client Sampling" (MoDeST), 2023,
 * arXiv:2302.13837.
 *
 * @param isResponsive whether a node answers a ping
 * @example hashSample(view, 3, { sampleSize: 2, aggregators: 1, activityWindow: 5 }, () => true).sample
 */
export function hashSample(
  view: readonly KnownPeer[],
  round: number,
  { sampleSize, aggregators, activityWindow }: HashSampling,
  isResponsive: (id: string) => boolean,
): HashSample {
  const candidates = view.filter(({ lastActivity, left }) => left !== true && lastActivity >= round - activityWindow);
  const keyed = candidates.map(({ id }) => ({ id, key: md5(`${id}-${round}`) }));
  const order = keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ id }) => id);
  const answering = order.filter(isResponsive);
  return { order, sample: answering.slice(0, sampleSize), aggregators: answering.slice(0, aggregators) };
}

/** What a view says of one peer: its newest round, and whether it joined or left by the newest of its own messages. */
export interface ViewEntry {
  readonly activity: number;
  readonly counter: number;
  readonly state: "joined" | "left";
}

/** By id. */
export type MembershipView = Readonly<Record<string, ViewEntry>>;

/**
 * One view of several: for each peer the greatest activity, and the state with the greatest counter (of equal ones the
 * first).
 *
 * @example mergeViews([mine, received])
 */
export function mergeViews(views: readonly MembershipView[]): MembershipView {
  const merged = new Map<string, ViewEntry>();
  for (const [id, entry] of views.flatMap((view) => Object.entries(view))) {
    const known = merged.get(id);
    if (known === undefined) merged.set(id, entry);
    else {
      const newest = entry.counter > known.counter ? entry : known;
      merged.set(id, { ...newest, activity: Math.max(entry.activity, known.activity) });
    }
  }
  return Object.fromEntries(merged);
}
