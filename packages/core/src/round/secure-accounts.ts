import type { Layout } from "../params/layout.ts";
import { INTEGERS, integerCount, integerRange, type SecureSumSettings } from "../privacy/secure-sum/index.ts";
import type { Update } from "../protocol/message.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import type { Warning } from "./backend.ts";
import { layoutDefect, type UpdateDefect } from "./defect.ts";
import type { EventOf } from "./events.ts";
import type { RoundSum } from "./round-sum.ts";
import type { RunPlan } from "./run-plan.ts";

/** [16] What names a run in its messages. */
export function runBytes(seed: number): Uint8Array {
  const words = new Uint32Array(4);
  randomStream(deriveKey(rootKey(seed), "secure-run")).uint32s(words);
  return new Uint8Array(words.buffer);
}

/** Why an update cannot be summed under masks, undefined where it can. */
export function integerDefect(update: Update, layout: Layout, settings: SecureSumSettings): UpdateDefect | undefined {
  const stranger = layoutDefect(update, layout);
  if (stranger !== undefined) return stranger;
  const integers = update.vectors[INTEGERS];
  const count = integerCount(settings);
  if (integers?.length !== count) {
    const received = integers === undefined ? "none" : `${integers.length}`;
    return { code: "update/shape", message: `an update has ${count} whole numbers; received ${received}` };
  }
  const { maximum: most } = integerRange(settings);
  if (integers.every((value) => Number.isInteger(value) && value >= 0 && value <= most)) return undefined;
  return { code: "update/integers", message: `an update holds whole numbers from 0 to ${most}` };
}

type Bytes = { readonly bytesDown: number; readonly bytesUp: number };

/** What a round sent: under masks the messages of the protocol stand in the place of updates. */
export function withSecureBytes({ bytesDown, bytesUp }: Bytes, { stages }: RunPlan, { cost }: RoundSum): Bytes {
  if (stages.secureSum === undefined) return { bytesDown, bytesUp };
  if (cost === undefined) return { bytesDown, bytesUp: 0 };
  const total = (side: "up" | "down") =>
    cost.stages.reduce((sum, stage) => sum + stage[side].reduce((a, b) => a + b, 0), 0);
  return { bytesDown: bytesDown + total("down"), bytesUp: total("up") };
}

type SecureFigures = NonNullable<EventOf<"round.finished">["secureAggregation"]>;

/** What the protocol has cost, as events tell it. */
export function secureCost({ cost }: RoundSum): { readonly secureAggregation?: SecureFigures } {
  if (cost === undefined) return {};
  const { protocol, survivors, serverMs, clientsMs, cut } = cost;
  const seconds = { serverSeconds: serverMs / 1000, clientSeconds: clientsMs / 1000 };
  return { secureAggregation: { protocol, survivors, ...seconds, ...(cut === undefined ? {} : { cut }) } };
}

/** Beyond this share of cut values a sum is no longer nearly that of the updates. */
const MUCH_CUT = 0.01;

/** That updates were cut where it changes what is learned. */
export function cutWarnings({ cost }: RoundSum, round: number): readonly Warning[] {
  const cut = cost?.cut ?? 0;
  if (cut <= MUCH_CUT) return [];
  const share = `${Number((100 * cut).toPrecision(2))} %`;
  const message = `Round ${round}: ${share} of all values of updates were cut to secureAggregation.range, so the sum is not theirs. Raise the range.`;
  return [{ code: "secure-aggregation/cut", message }];
}
