/** Ways to weigh the updates of clients that take part more or less often. */
export const clientWeightings = ["unbiased", "identical"] as const;
export type ClientWeighting = (typeof clientWeightings)[number];

/** What is known of the clients. */
export interface WeighedClients {
  /** tau_i: time of an order, in any unit. */
  readonly times: readonly number[];
  /** p_i: importance of each client, with sum 1. */
  readonly importance: readonly number[];
}

/**
 * n d_i for clients whose every update is a step of the server. "unbiased": d_i = p_i tau_i sum_j 1 / tau_j, which makes up
 * for the steps of faster clients; "identical": d_i = 1, whose optimum weighs client i by 1 / tau_i.
 *
 * Source: Y. Fraboni et al., JMLR 2023, arXiv:2206.10189.
 *
 * @returns factors [n] for a server that divides by n
 * @example arrivalWeights("unbiased", { times: [1, 4], importance: [0.5, 0.5] }) // [1.25, 5]
 */
export function arrivalWeights(weighting: ClientWeighting, { times, importance }: WeighedClients): number[] {
  const n = times.length;
  if (weighting === "identical") return times.map(() => n);
  const rate = times.reduce((sum, time) => sum + 1 / time, 0);
  return times.map((time, i) => n * importance[i]! * time * rate);
}

/**
 * n d_i for ticks of a period. "unbiased": d_i = p_i ceil(tau_i / period), the ticks between two updates of the client;
 * "identical": d_i = p_i.
 *
 * @returns factors [n] for a server that divides by n
 * @example tickWeights("unbiased", { times: [1, 4], importance: [0.5, 0.5] }, 2) // [1, 2]
 */
export function tickWeights(
  weighting: ClientWeighting,
  { times, importance }: WeighedClients,
  period: number,
): number[] {
  const n = times.length;
  return times.map((time, i) => n * importance[i]! * (weighting === "identical" ? 1 : Math.ceil(time / period)));
}
