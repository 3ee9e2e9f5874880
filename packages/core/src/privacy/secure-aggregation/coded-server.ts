import { clientPoint, elementsOf, piecePoints } from "./coded-client.ts";
import { combinePieces, lagrangeWeights } from "./field.ts";
import { codedSumMessage } from "./messages.ts";
import { codedLength, type StageResult } from "./party.ts";
import { FIELD_PRIME } from "./prime.ts";
import { roundFailure } from "./refusal.ts";
import type { ServerStage } from "./round-server.ts";
import { SumServer } from "./sum-server.ts";

/**
 * The server of LightSecAgg (see `CodedClient`). U answers decode the sum of all masks in one interpolation, whoever
 * dropped out. Answers beyond U must lie on the same polynomial: else somebody's is wrong and the round ends (`decode`).
 * With exactly U answers a wrong one is not noticed.
 */
export class CodedServer extends SumServer {
  #sum = new Float64Array(this.plan.length);

  protected override forget(): void {
    super.forget();
    this.#sum = new Float64Array(0);
  }

  protected add(client: number, packed: Uint8Array): void {
    const { length, bits } = this.plan;
    const masked = elementsOf(packed, length, bits, `masked vector of client ${client}`);
    for (let i = 0; i < length; i++) this.#sum[i]! += masked[i]!;
  }

  protected unmask(
    _sharers: ReadonlySet<number>,
    survivors: ReadonlySet<number>,
    agreed: ReadonlySet<number>,
  ): ServerStage<Uint8Array> {
    const answers = new Map<number, Uint32Array>();
    return {
      name: "recover",
      codec: codedSumMessage,
      from: agreed,
      accept: async (client, packed) => {
        const where = `sum of coded masks of client ${client}`;
        answers.set(client, elementsOf(packed, codedLength(this.plan), this.plan.bits, where));
      },
      close: async (present) => {
        const end = this.tooFew(present, "have answered with their coded masks");
        return end ?? this.#decode(survivors, answers);
      },
    };
  }

  #decode(survivors: ReadonlySet<number>, answers: ReadonlyMap<number, Uint32Array>): StageResult {
    const { plan } = this;
    const clients = [...answers.keys()].sort((a, b) => a - b);
    const used = clients.slice(0, plan.threshold);
    const from = used.map((client) => clientPoint(plan, client));
    const values = used.map((client) => answers.get(client)!);
    for (const client of clients.slice(plan.threshold)) {
      const expected = combinePieces(lagrangeWeights(from, [clientPoint(plan, client)])[0]!, values);
      if (answers.get(client)!.some((value, i) => value !== expected[i])) {
        return roundFailure(
          "decode",
          "the sums of coded masks contradict each other, so at least one of them is wrong",
        );
      }
    }
    const pieces = piecePoints(plan).slice(0, plan.threshold - plan.privacy);
    const length = codedLength(plan);
    const sum = new Uint32Array(plan.length);
    for (const [k, weights] of lagrangeWeights(from, pieces).entries()) {
      const piece = combinePieces(weights, values);
      for (let i = 0, at = k * length; i < length && at < plan.length; i++, at++) {
        sum[at] = (((this.#sum[at]! - piece[i]!) % FIELD_PRIME) + FIELD_PRIME) % FIELD_PRIME;
      }
    }
    return { sum, survivors: [...survivors] };
  }
}
