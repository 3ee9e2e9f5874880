/**
 * How much an update counts that was trained on an older version of the model.
 *
 * Citation: C. Xie, S. Koyejo, I. Gupta, "Asynchronous Federated Optimization", 2019, arXiv:1903.03934 (constant,
 * polynomial, hinge). The linear and the exponential form are common variants; the half-life is the weighting that H. Wang and
 * W. Gao, 2023, arXiv:2309.13536, compare with.
 */

export const stalenessForms = ["constant", "polynomial", "hinge", "linear", "exponential", "half-life"] as const;

/** s(u) of the staleness u, versions since the one that was trained. */
export interface StalenessRule {
  readonly form: (typeof stalenessForms)[number];
  /** a: how fast the factor falls; versions to one half for "half-life". Not used by "constant". */
  readonly rate: number;
  /** b: staleness up to which "hinge" gives 1. */
  readonly grace: number;
  /** Updates of more staleness are left out; undefined: none are. */
  readonly most?: number | undefined;
}

/**
 * The factor s(u) in (0, 1], 1 for u = 0: 1; (u+1)^-a; 1 up to b, then 1/(a(u-b)+1); 1/(a u+1); e^(-a u); 2^(-u/a).
 * 0 for an update that is too stale.
 *
 * @example stalenessFactor({ form: "polynomial", rate: 0.5, grace: 0 }, 3) // 0.5
 */
export function stalenessFactor({ form, rate, grace, most }: StalenessRule, staleness: number): number {
  if (most !== undefined && staleness > most) return 0;
  switch (form) {
    case "constant":
      return 1;
    case "polynomial":
      return (staleness + 1) ** -rate;
    case "hinge":
      return staleness <= grace ? 1 : 1 / (rate * (staleness - grace) + 1);
    case "linear":
      return 1 / (rate * staleness + 1);
    case "exponential":
      return Math.exp(-rate * staleness);
    case "half-life":
      return 2 ** (-staleness / rate);
  }
}
