import type { SecurePlan } from "../check-plan.ts";
import { decodeMessage, encodeMessage } from "../envelope.ts";
import type { Codec } from "../messages.ts";
import { type Receipt, type Reply, type StageResult, shapeOf } from "../party.ts";
import type { TestRound } from "./rounds.ts";

/** A message that a client sent, in the order in which the server was given them. */
export interface Sent {
  readonly stage: string;
  readonly client: number;
  readonly bytes: Uint8Array;
  readonly receipt: Receipt;
}

/** What may be done to messages on their way; undefined is silence. */
export interface Meddler {
  up?(stage: string, client: number, bytes: Uint8Array): Uint8Array | undefined;
  down?(stage: string, client: number, bytes: Uint8Array): Uint8Array | undefined;
}

export interface Wiretap {
  readonly sent: readonly Sent[];
  readonly replies: readonly { readonly stage: string; readonly client: number; readonly reply: Reply }[];
  readonly end: StageResult;
}

/** Runs a round to its end, meddling with messages, and keeps all that was said. */
export async function tapRound({ plan, server, clients }: TestRound, meddler: Meddler = {}): Promise<Wiretap> {
  const sent: Sent[] = [];
  const replies: { stage: string; client: number; reply: Reply }[] = [];
  let closed: StageResult = { messages: new Map(plan.cohort.map((client) => [client, server.firstMessage])) };
  while ("messages" in closed) {
    const { stage } = server;
    for (const [client, message] of closed.messages) {
      const down = meddler.down === undefined ? message : meddler.down(stage, client, message);
      if (down === undefined) continue;
      const reply = await clients.get(client)!.receive(down);
      replies.push({ stage, client, reply });
      if (!("message" in reply)) continue;
      const bytes = meddler.up === undefined ? reply.message : meddler.up(stage, client, reply.message);
      if (bytes === undefined) continue;
      sent.push({ stage, client, bytes, receipt: await server.receive(client, bytes) });
    }
    closed = await server.close();
  }
  return { sent, replies, end: closed };
}

/** The code of a refusal, without its area. */
export function codeOf(answer: Receipt | Reply | StageResult): string | undefined {
  const failure = "refusal" in answer ? answer.refusal : "failure" in answer ? answer.failure : undefined;
  return failure?.code.replace("secure-aggregation/", "");
}

/** Changes the body of a message and writes it anew. */
export function edit<T>(
  of: SecurePlan,
  codec: Codec<T>,
  sender: number,
  bytes: Uint8Array,
  change: (body: T) => T,
): Uint8Array {
  const shape = shapeOf(of);
  return encodeMessage(codec, shape.session, sender, change(decodeMessage(codec, shape, sender, bytes)));
}
