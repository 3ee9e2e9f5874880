import { AnabranchError } from "@anabranch/engine";
import { deriveKey, type RandomStream, randomStream, rootKey } from "../../../random/index.ts";
import type { Curves } from "../curves.ts";
import { decodeMessage, decodePlanMessage, SERVER } from "../envelope.ts";
import {
  agreementMessage,
  agreementsMessage,
  boxesMessage,
  type Codec,
  codedSumMessage,
  keyAdvertisementMessage,
  keyAdvertisementsMessage,
  maskedMessage,
  revealMessage,
  sharesMessage,
  survivorsMessage,
} from "../messages.ts";
import { shapeOf } from "../party.ts";
import { openRound, testPlan } from "./rounds.ts";
import { tapRound } from "./wiretap.ts";

/** A real message and what reads it. */
interface Subject {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly read: (bytes: Uint8Array) => unknown;
}

const codecs: readonly Codec<unknown>[] = [
  ...[keyAdvertisementMessage, keyAdvertisementsMessage, sharesMessage, boxesMessage, maskedMessage, survivorsMessage],
  ...[agreementMessage, agreementsMessage, revealMessage, codedSumMessage],
] as Codec<unknown>[];

/** Every kind of message of a round of each protocol, as it goes over the wire. */
export async function wireSubjects(curves: Curves): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const given of [{}, { protocol: "coded" as const }]) {
    const plan = testPlan(4, given);
    const shape = shapeOf(plan);
    const round = openRound(plan, curves);
    const add = (from: number, bytes: Uint8Array) => {
      const codec = codecs.find(({ kind }) => kind === bytes[5]);
      const read = codec === undefined ? decodePlanMessage : (b: Uint8Array) => decodeMessage(codec, shape, from, b);
      subjects.push({ name: `${plan.protocol} ${codec?.name ?? "plan"}`, bytes, read });
    };
    await tapRound(round, {
      up: (_, client, bytes) => {
        if (client === plan.cohort[0]) add(client, bytes);
        return bytes;
      },
      down: (_, client, bytes) => {
        if (client === plan.cohort[0]) add(SERVER, bytes);
        return bytes;
      },
    });
  }
  return subjects;
}

/** Damages a message in one of the ways in which messages are damaged. */
export function damage(bytes: Uint8Array, stream: RandomStream, other: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const place = () => stream.below(copy.length);
  switch (stream.below(8)) {
    case 0:
      copy[place()]! ^= 1 << stream.below(8);
      return copy;
    case 1:
      for (let i = stream.below(6); i >= 0; i--) copy[place()] = stream.below(256);
      return copy;
    case 2:
      return copy.slice(0, place());
    case 3:
      return new Uint8Array([...copy, ...Array.from({ length: 1 + stream.below(40) }, () => stream.below(256))]);
    case 4: // a number of the body, such as the length of a list, becomes huge or small
      new DataView(copy.buffer).setUint32(
        Math.min(copy.length - 4, 22 + stream.below(100)),
        [0, 1, 0x7fffffff, 0xffffffff][stream.below(4)]!,
        true,
      );
      return copy;
    case 5: // the head of one message before the body of another
      return new Uint8Array([...copy.slice(0, 26), ...other.slice(26)]);
    case 6:
      return Uint8Array.from({ length: stream.below(300) }, () => stream.below(256));
    default: {
      const from = place();
      const part = copy.slice(from, from + stream.below(64));
      return new Uint8Array([...copy.slice(0, from), ...part, ...copy.slice(from)]);
    }
  }
}

/**
 * Reads damaged messages, and says how many were refused and how many were read after all. Anything but a refusal of
 * this room is a failure; so is a decoder that takes much more memory than the message has.
 */
export async function fuzzDecoders(
  curves: Curves,
  cases: number,
  seed: number,
): Promise<{ refused: number; read: number }> {
  const subjects = await wireSubjects(curves);
  const stream = randomStream(deriveKey(rootKey(seed), "fuzz"));
  const counts = { refused: 0, read: 0 };
  for (let i = 0; i < cases; i++) {
    const subject = subjects[i % subjects.length]!;
    const bytes = damage(subject.bytes, stream, subjects[stream.below(subjects.length)]!.bytes);
    try {
      subject.read(bytes);
      counts.read++;
    } catch (error) {
      if (!(error instanceof AnabranchError && error.code.startsWith("secure-aggregation/"))) throw error;
      counts.refused++;
    }
  }
  return counts;
}

/**
 * Whole rounds in which a share of all messages is damaged on the way, up and down. Every round must end, with a sum or
 * a reason, and nothing may be thrown.
 */
export async function fuzzRounds(
  curves: Curves,
  rounds: number,
  seed: number,
): Promise<{ messages: number; sums: number }> {
  const counts = { messages: 0, sums: 0 };
  for (let index = 0; index < rounds; index++) {
    const stream = randomStream(deriveKey(rootKey(seed), "rounds", index));
    const plan = testPlan(4, index % 2 === 0 ? { threshold: 3 } : { protocol: "coded", threshold: 3, privacy: 1 });
    const meddle = (_: string, __: number, bytes: Uint8Array) => {
      counts.messages++;
      return stream.below(12) === 0 ? damage(bytes, stream, bytes) : bytes;
    };
    const { end } = await tapRound(openRound(plan, curves), { up: meddle, down: meddle });
    if ("sum" in end) counts.sums++;
    else if (!("failure" in end)) throw new Error("a round has not ended");
  }
  return counts;
}
