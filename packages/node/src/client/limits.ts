import { totalmem } from "node:os";
import { type ClientLimits, USUAL_LIMITS } from "@anabranch/core/live";

/** What the operator of a client has chosen; undefined: the default. */
export type LimitChoices = { readonly [limit in keyof Omit<ClientLimits, "advice">]?: ClientLimits[limit] | undefined };

/** The limits of a client: those chosen, the usual ones, and half of the memory that this process may have. */
export function limitsOf(chosen: LimitChoices): ClientLimits {
  const { download, work, memory, rounds, algorithms, minimumExamples, leastClients, epsilon, delta, anyModel } =
    chosen;
  const constrained = process.constrainedMemory();
  const available = constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
  return {
    download: download ?? USUAL_LIMITS.download,
    work: work ?? USUAL_LIMITS.work,
    memory: memory ?? Math.floor(available / 2),
    rounds: rounds ?? USUAL_LIMITS.rounds,
    algorithms,
    minimumExamples: minimumExamples ?? USUAL_LIMITS.minimumExamples,
    leastClients: leastClients ?? USUAL_LIMITS.leastClients,
    anyModel,
    epsilon,
    delta: delta ?? USUAL_LIMITS.delta,
    advice: (limit) => `If you trust the server, change --limit-${limit}.`,
  };
}
