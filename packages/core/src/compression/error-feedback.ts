/** An operator as it acts on values: what the receiver has of a vector. */
export type Operator = (vector: Float64Array) => Float64Array;

export const feedbackWrappers = ["ef14", "ef21", "ef21+"] as const;
export type FeedbackWrapper = (typeof feedbackWrappers)[number];

/** What is sent of a vector, and what the sender keeps: the error of EF14, the running estimate of EF21. */
export interface Fed {
  /** What the receiver gets: of EF21 and EF21+ the change of the estimate. */
  readonly sent: Float64Array;
  readonly state: Float64Array;
  /** EF21+ only: the vector itself was compressed, not its difference to the estimate. */
  readonly fresh?: boolean;
}

/**
 * Error feedback around a contractive operator C. `state` is zero at first.
 *   ef14:  c = C(D + e);  e <- D + e - c.  F. Seide et al., "1-Bit Stochastic Gradient Descent", Interspeech 2014;
 *          A. Beznosikov et al. and Karimireddy et al. 2019 for its analysis
 *   ef21:  c = C(D - g);  g <- g + c.  P. Richtarik, I. Sokolov, I. Fatkhullin, "EF21: A New, Simpler, Theoretically
 *          Better, and Practically Faster Error Feedback", NeurIPS 2021. https://arxiv.org/abs/2106.05203
 *   ef21+: of g + C(D - g) and C(D) the one that is nearer to D, the second only if strictly nearer; same paper
 */
export function feedBack(wrapper: FeedbackWrapper, compress: Operator, vector: Float64Array, state: Float64Array): Fed {
  if (wrapper === "ef14") {
    const wanted = vector.map((value, i) => value + state[i]!);
    const sent = compress(wanted);
    return { sent, state: wanted.map((value, i) => value - sent[i]!) };
  }
  const change = compress(vector.map((value, i) => value - state[i]!));
  const moved = state.map((value, i) => value + change[i]!);
  if (wrapper === "ef21") return { sent: change, state: moved };
  const fresh = compress(vector);
  if (squaredDistance(fresh, vector) >= squaredDistance(moved, vector))
    return { sent: change, state: moved, fresh: false };
  return { sent: fresh.map((value, i) => value - state[i]!), state: fresh, fresh: true };
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}
