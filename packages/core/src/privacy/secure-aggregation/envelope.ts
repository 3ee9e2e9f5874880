import { checkPlan, type SecurePlan } from "./check-plan.ts";
import type { Codec, WireShape } from "./messages.ts";
import { planMessage } from "./messages.ts";
import { sessionOf } from "./plan.ts";
import { refuse } from "./refusal.ts";
import { concat, equalBytes, u32, WireReader } from "./wire.ts";

/**
 * A message: "AnSA", version (1 byte), kind (1 byte), session (first 16 bytes), sender (uint32, the server is 2^32 - 1),
 * body. All numbers are little-endian. 26 bytes before the body.
 */
const MAGIC = Uint8Array.of(0x41, 0x6e, 0x53, 0x41);
const VERSION = 1;
const SESSION_BYTES = 16;
export const SERVER = 0xffffffff;

export function encodeMessage<T>(
  codec: Codec<T>,
  session: Uint8Array,
  sender: number,
  body: T,
): Uint8Array<ArrayBuffer> {
  const head = [MAGIC, Uint8Array.of(VERSION, codec.kind), session.subarray(0, SESSION_BYTES), u32(sender)];
  return concat(...head, codec.write(body));
}

/**
 * Reads the one kind of message that the receiver waits for, from the one sender that it can be from. Refuses
 * `malformed` bytes, another `version`, another `session` (another round, or a replay from one), another `stage`'s
 * message and a wrong `sender`; never reads more than the plan allows.
 */
export function decodeMessage<T>(codec: Codec<T>, shape: WireShape, sender: number, bytes: Uint8Array): T {
  const where = sender === SERVER ? `${codec.name} from the server` : `${codec.name} of client ${sender}`;
  const reader = new WireReader(bytes, where);
  const { kind, session, from } = readHead(reader);
  if (!equalBytes(session, shape.session.subarray(0, SESSION_BYTES))) {
    refuse("session", "a message belongs to another round", { where });
  }
  checkKind(kind, codec, where);
  if (from !== sender) refuse("sender", "a message names another sender", { where, received: `${from}` });
  const body = codec.read(reader, shape);
  reader.end();
  return body;
}

export function encodePlanMessage(plan: SecurePlan): Uint8Array<ArrayBuffer> {
  checkPlan(plan);
  return encodeMessage(planMessage, sessionOf(plan), SERVER, plan);
}

/** Reads the first message of a round; the session in its head must be the hash of the plan. */
export function decodePlanMessage(bytes: Uint8Array): SecurePlan {
  const where = "plan from the server";
  const reader = new WireReader(bytes, where);
  const { kind, session, from } = readHead(reader);
  checkKind(kind, planMessage, where);
  if (from !== SERVER) refuse("sender", "a plan comes from the server", { where, received: `${from}` });
  const plan = planMessage.read(reader, noShape);
  reader.end();
  if (!equalBytes(session, sessionOf(plan).subarray(0, SESSION_BYTES))) {
    refuse("session", "a plan does not have the hash that it says", { where });
  }
  return plan;
}

/** A plan is read before the sizes are known. */
const noShape: WireShape = {
  ...{ session: new Uint8Array(32), clients: 0, keys: 0, boxBytes: 0, maskedBytes: 0, codedBytes: 0 },
};

function readHead(reader: WireReader): { kind: number; session: Uint8Array; from: number } {
  const where = reader.where;
  if (!equalBytes(reader.bytes(MAGIC.length), MAGIC))
    refuse("malformed", "this is not a message of this protocol", { where });
  const version = reader.u8();
  if (version !== VERSION) {
    refuse("version", "a message is of another version", {
      ...{ where, received: `${version}`, expected: `${VERSION}` },
      advice: "Run the same version of Anabranch on both sides.",
    });
  }
  return { kind: reader.u8(), session: reader.bytes(SESSION_BYTES), from: reader.u32() };
}

function checkKind<T>(kind: number, codec: Codec<T>, where: string): void {
  if (kind === codec.kind) return;
  refuse("stage", "a message is not the one waited for", {
    ...{ where, received: `kind ${kind}`, expected: `kind ${codec.kind} (${codec.name})` },
  });
}
