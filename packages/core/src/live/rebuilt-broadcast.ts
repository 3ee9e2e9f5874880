import type { SeededHalves } from "../client/seeded-halves.ts";
import type { Broadcast } from "../protocol/index.ts";
import type { ClientVectors } from "../round/client-state.ts";
import { continuedModel, malformedLog } from "../seeded/index.ts";

/** Name under which a client keeps the model that it trained on, beside what its method keeps. */
const MODEL = "replay/parameters";

/** A broadcast with the model that it stands for, and what the client keeps of it. */
interface RebuiltBroadcast {
  readonly broadcast: Broadcast;
  readonly kept: ClientVectors;
}

/**
 * The model of a message: it is in it, or it follows from the model that the client trained on last and the records of the
 * rounds since. Clients keep the model, so a log may be as long as it likes. Throws `seeded/broadcast`.
 *
 * @param kept the client's state of version `stateOf`; undefined at its first visit
 */
export function rebuiltBroadcast(
  { replay }: SeededHalves,
  message: Broadcast,
  kept: ClientVectors | undefined,
  of: { readonly version: number; readonly stateOf?: number | undefined; readonly population: number },
): RebuiltBroadcast {
  if (replay === undefined || replay.rule.kind === "pool") return { broadcast: message, kept: {} };
  const { parameters: whole } = message.vectors;
  if (whole !== undefined) return { broadcast: message, kept: { [MODEL]: whole } };
  const { version, stateOf, population: clients } = of;
  const before = kept?.[MODEL];
  if (before === undefined || stateOf === undefined) throw malformedLog("a log, where this client has no model");
  // the broadcast of a version has the records of the rounds before it; records count rounds from 0
  const model = continuedModel(replay.rule, before, message, { from: stateOf - 1, to: version - 1, clients });
  return { broadcast: { ...message, vectors: { ...message.vectors, parameters: model } }, kept: { [MODEL]: model } };
}
