import type { Layout, Vector } from "../params/index.ts";
import { type FeedbackWrapper, feedBack, type Operator } from "./error-feedback.ts";
import { correctMomentum } from "./momentum-correction.ts";

export const feedbacks = ["none", "ef14", "ef21", "ef21+", "dgc"] as const;

/** What server and clients keep of broadcasts. */
export const downFeedbacks = ["none", "ef21"] as const;

/** What clients keep of what they did not send, as plain data. */
export interface FeedbackSettings {
  readonly feedback: (typeof feedbacks)[number];
  /** Of "dgc". */
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly masking: boolean;
}

/** Vectors that a client keeps for each of its compressed vectors; zeros at first. */
export function feedbackLayouts(
  { feedback }: Pick<FeedbackSettings, "feedback">,
  vectors: Readonly<Record<string, Layout>>,
): Record<string, Layout> {
  const kept = keptNames(feedback);
  return Object.fromEntries(
    Object.entries(vectors).flatMap(([name, layout]) => kept.map((of) => [stateName(name, of), layout])),
  );
}

/**
 * What is sent of a vector when the client keeps something of it: `compress` is given what the operator acts on, and gives
 * what the receiver has of it. `state` and what is returned as state go by the names of `feedbackLayouts`. What is `fresh`
 * is no compressed vector but the difference between one and what the client kept.
 */
export function applyFeedback(
  settings: FeedbackSettings,
  name: string,
  vector: Vector,
  state: Readonly<Record<string, Vector>>,
  compress: Operator,
): { readonly sent: Float64Array; readonly fresh?: boolean | undefined; readonly state: Record<string, Float64Array> } {
  const kept = (of: string) => Float64Array.from(state[stateName(name, of)]!);
  const values = Float64Array.from(vector);
  if (settings.feedback === "dgc") {
    const { sent, velocity } = correctMomentum(compress, values, { u: kept("u"), v: kept("v") }, settings);
    return { sent, state: { [stateName(name, "u")]: velocity.u, [stateName(name, "v")]: velocity.v } };
  }
  const [of] = keptNames(settings.feedback);
  const fed = feedBack(settings.feedback as FeedbackWrapper, compress, values, kept(of!));
  return { sent: fed.sent, fresh: fed.fresh, state: { [stateName(name, of!)]: fed.state } };
}

/** Whether what is sent may be fresh. */
export function mayBeFresh({ feedback }: Pick<FeedbackSettings, "feedback">): boolean {
  return feedback === "ef21+";
}

/** Whether the server adds what it gets to a running estimate of the mean. */
export function keepsEstimate({ feedback }: Pick<FeedbackSettings, "feedback">): boolean {
  return feedback === "ef21" || feedback === "ef21+";
}

/** First part of the names of vectors that belong to the compression and not to the method. */
export const FEEDBACK = "compression/";

function stateName(vector: string, of: string): string {
  return `${FEEDBACK}${vector}/${of}`;
}

function keptNames(feedback: FeedbackSettings["feedback"]): readonly string[] {
  switch (feedback) {
    case "none":
      return [];
    case "dgc":
      return ["u", "v"];
    case "ef14":
      return ["error"];
    default:
      return ["estimate"];
  }
}
