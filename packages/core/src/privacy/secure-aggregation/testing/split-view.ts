import type { SecurePlan } from "../check-plan.ts";
import { clientPoint, elementsOf, piecePoints } from "../coded-client.ts";
import type { Curves } from "../curves.ts";
import { decodeMessage, encodeMessage, SERVER } from "../envelope.ts";
import { combinePieces, inverse, lagrangeWeights, multiply, uniformElements } from "../field.ts";
import { MASK_KEY_BYTES, open, survivorsText } from "../keys.ts";
import {
  agreementMessage,
  agreementsMessage,
  type Codec,
  codedSumMessage,
  keyAdvertisementMessage,
  maskedMessage,
  sharesMessage,
  survivorsMessage,
} from "../messages.ts";
import { bitsOf, codedLength, shapeOf } from "../party.ts";
import { FIELD_PRIME } from "../prime.ts";
import { KEY_BYTES } from "../public-key.ts";
import { entropyOf, type TestRound } from "./rounds.ts";
import { codeOf, type Wiretap } from "./wiretap.ts";

/** What a server that lies about the survivors has got out of a round of LightSecAgg. */
export interface Loot {
  readonly target: number;
  /** Honest clients that answered with their coded masks, of those told that the target is in the sum, and of the rest. */
  readonly answered: readonly number[];
  /** Codes of refusals, without repeats. */
  readonly refusals: readonly string[];
  /** Points at which the polynomial of the target's mask is known. */
  readonly points: number;
  /** Exact linear combinations of the pieces of the target's vector: weights [U - T], values [L] mod p. */
  readonly combinations: readonly { readonly weights: readonly number[]; readonly values: Uint32Array }[];
}

/**
 * The attack on survivors that nobody agrees on. The server tells U - c honest clients, the target among them, that all
 * are in the sum, and the others that all but the target are. The c colluders sign both sets. U answers about the first
 * set, the colluders' own among them, give the sum of the masks' polynomials everywhere; less the N - U answers about
 * the second it is the target's polynomial at their points, and the colluders hold c more. Each T + 1 of the N - U + c
 * points give a combination of the pieces of its mask without the T random ones, and so one of its vector.
 *
 * `tap` is the round up to the masked vectors, followed to the letter.
 */
export async function splitView(round: TestRound, tap: Wiretap, colluders: readonly number[]): Promise<Loot> {
  const { plan } = round;
  const honest = plan.cohort.filter((client) => !colluders.includes(client));
  const target = honest[0]!;
  const believers = honest.slice(0, Math.max(1, plan.threshold - colluders.length));
  const others = honest.slice(believers.length);
  const without = plan.cohort.filter((client) => client !== target);
  const refusals = new Set<string>();
  const answers = [
    await askSide(round, believers, new Set(plan.cohort), colluders, refusals),
    await askSide(round, others, new Set(without), colluders, refusals),
  ] as const;
  const held = await heldBy(plan, tap, colluders, round.ports.get(target)!.curves);
  const known = targetAt(plan, target, answers, held);
  const { bytes } = tap.sent.find(({ stage, client }) => stage === "mask" && client === target)!;
  const packed = decodeMessage(maskedMessage, shapeOf(plan), target, bytes);
  return {
    target,
    answered: answers.map(({ size }) => size),
    refusals: [...refusals],
    points: known.size,
    combinations: combinationsOf(plan, elementsOf(packed, plan.length, plan.bits, "masked"), known),
  };
}

/** Values of polynomials, by client. */
type Answers = ReadonlyMap<number, Uint32Array>;

/** Tells a side its set, gathers its signatures and those of the colluders, hands them out and returns the answers. */
async function askSide(
  { plan, clients, ports }: TestRound,
  side: readonly number[],
  set: ReadonlySet<number>,
  colluders: readonly number[],
  refusals: Set<string>,
): Promise<Answers> {
  const { session } = shapeOf(plan);
  const bits = bitsOf(set, plan.cohort);
  const answers = new Map<number, Uint32Array>();
  const signatures = new Map<number, Uint8Array>();
  for (const colluder of colluders) {
    signatures.set(colluder, await ports.get(colluder)!.sign(survivorsText(session, bits)));
  }
  const tell = async <T>(client: number, codec: Codec<T>, body: T) => {
    const reply = await clients.get(client)!.receive(encodeMessage(codec, session, SERVER, body));
    if (!("message" in reply)) refusals.add(codeOf(reply)!);
    else if (reply.message[5] === agreementMessage.kind) {
      signatures.set(client, decodeMessage(agreementMessage, shapeOf(plan), client, reply.message));
    } else {
      const packed = decodeMessage(codedSumMessage, shapeOf(plan), client, reply.message);
      answers.set(client, elementsOf(packed, codedLength(plan), plan.bits, "answer"));
    }
  };
  for (const client of side) await tell(client, survivorsMessage, bits);
  if (answers.size > 0) return answers;
  for (const client of side) {
    const others = [...signatures].filter(([other]) => other !== client && set.has(other)).sort(([a], [b]) => a - b);
    await tell(
      client,
      agreementsMessage,
      others.map(([other, signature]) => ({ client: other, signature })),
    );
  }
  return answers;
}

/**
 * The value of every client's polynomial at each colluder's point: [colluder][owner]. Colluders read what was sealed for
 * them, and know their own pieces: their entropy gives a secret key, then the key of the mask.
 */
async function heldBy(plan: SecurePlan, { sent }: Wiretap, colluders: readonly number[], curves: Curves) {
  const shape = shapeOf(plan);
  const length = codedLength(plan);
  const bodies = <T>(stage: string, codec: Codec<T>) =>
    sent
      .filter((message) => message.stage === stage)
      .map(({ client, bytes }) => ({ client, body: decodeMessage(codec, shape, client, bytes) }));
  const keys = new Map(bodies("advertise", keyAdvertisementMessage).map(({ client, body }) => [client, body.keys]));
  const held = new Map<number, Map<number, Uint32Array>>();
  for (const colluder of colluders) {
    const entropy = entropyOf(colluder);
    const secret = entropy.bytes(KEY_BYTES);
    const elements = await uniformElements(entropy.bytes(MASK_KEY_BYTES), plan.threshold * length);
    const pieces = piecePoints(plan).map((_, k) => elements.subarray(k * length, (k + 1) * length));
    const weights = lagrangeWeights(piecePoints(plan), [clientPoint(plan, colluder)])[0]!;
    const values = new Map([[colluder, combinePieces(weights, pieces)]]);
    for (const { client, body } of bodies("share", sharesMessage)) {
      const sealed = body.boxes.find((box) => box.client === colluder);
      if (sealed === undefined) continue;
      const shared = await curves.sharedSecret(secret, keys.get(client)!);
      const packed = open(shared, shape.session, client, colluder, sealed.box);
      values.set(client, elementsOf(packed, length, plan.bits, "share"));
    }
    held.set(colluder, values);
  }
  return held;
}

/** The target's polynomial where it is known, by point: at the colluders', and at the second side's if the first decodes. */
function targetAt(
  plan: SecurePlan,
  target: number,
  [first, second]: readonly [Answers, Answers],
  held: ReadonlyMap<number, Answers>,
): Map<number, Uint32Array> {
  const known = new Map<number, Uint32Array>();
  const sums = new Map(first);
  for (const [colluder, values] of held) {
    known.set(clientPoint(plan, colluder), values.get(target)!);
    const ones = [...values].map(() => 1);
    sums.set(colluder, combinePieces(ones, [...values.values()]));
  }
  if (sums.size < plan.threshold) return known;
  const points = [...sums.keys()].map((client) => clientPoint(plan, client));
  for (const [client, without] of second) {
    const point = clientPoint(plan, client);
    const all = combinePieces(lagrangeWeights(points, [point])[0]!, [...sums.values()]);
    known.set(point, combinePieces([1, FIELD_PRIME - 1], [all, without]));
  }
  return known;
}

/**
 * What T + 1 values of a mask's polynomial say. The T random pieces come in as prod(x - data point) times a polynomial of
 * degree below T; the divided difference of order T over T + 1 points takes all such away.
 */
function combinationsOf(plan: SecurePlan, masked: Uint32Array, known: ReadonlyMap<number, Uint32Array>) {
  const { threshold, privacy } = plan;
  const length = codedLength(plan);
  const dataPoints = piecePoints(plan).slice(0, threshold - privacy);
  const pieces = dataPoints.map((_, k) => Uint32Array.from({ length }, (_, i) => masked[k * length + i] ?? 0));
  const difference = (a: number, b: number) => (a - b + FIELD_PRIME) % FIELD_PRIME;
  const points = [...known.keys()];
  return Array.from({ length: Math.max(0, points.length - privacy) }, (_, from) => {
    const used = points.slice(from, from + privacy + 1);
    const scales = used.map((point) =>
      inverse(
        [...dataPoints, ...used.filter((other) => other !== point)].reduce(
          (product, other) => multiply(product, difference(point, other)),
          1,
        ),
      ),
    );
    const rows = lagrangeWeights(piecePoints(plan), used);
    const weights = dataPoints.map((_, k) =>
      rows.reduce((sum, row, j) => (sum + multiply(scales[j]!, row[k]!)) % FIELD_PRIME, 0),
    );
    const mask = combinePieces(
      scales,
      used.map((point) => known.get(point)!),
    );
    return { weights, values: combinePieces([1, FIELD_PRIME - 1], [combinePieces(weights, pieces), mask]) };
  });
}
