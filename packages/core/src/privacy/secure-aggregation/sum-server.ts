import { checkAgreement } from "./agreement.ts";
import { encodeMessage, SERVER } from "./envelope.ts";
import { survivorsText } from "./keys.ts";
import { agreementMessage, agreementsMessage, maskedMessage, survivorsMessage } from "./messages.ts";
import { bitsOf, type StageResult } from "./party.ts";
import { RoundServer, type ServerStage } from "./round-server.ts";

/**
 * The middle of a round, the same in both protocols: masked vectors are added as they come, clients sign who is in the
 * sum (see `checkAgreement`), and each is handed the signatures of the others. Only those that signed are asked for more.
 */
export abstract class SumServer extends RoundServer {
  /** Adds the packed masked vector of a client to the sum; refuses (`malformed`) one that is none. */
  protected abstract add(client: number, packed: Uint8Array): void;
  /** The stage at which `agreed` send what takes the masks off the sum of `survivors`, who are among `sharers`. */
  protected abstract unmask(
    sharers: ReadonlySet<number>,
    survivors: ReadonlySet<number>,
    agreed: ReadonlySet<number>,
  ): ServerStage<unknown>;

  protected collect(sharers: ReadonlySet<number>): ServerStage<Uint8Array> {
    return {
      name: "mask",
      codec: maskedMessage,
      from: sharers,
      accept: async (client, packed) => this.add(client, packed),
      close: async (survivors) => {
        const end = this.tooFew(survivors, "have sent their vectors");
        if (end !== undefined) return end;
        this.next(this.#consistency(sharers, survivors));
        return this.#announce(survivors);
      },
    };
  }

  /** Tells the survivors who is in the sum: all of them the same. */
  #announce(survivors: ReadonlySet<number>): StageResult {
    const bits = bitsOf(survivors, this.plan.cohort);
    const message = encodeMessage(survivorsMessage, this.shape.session, SERVER, bits);
    return { messages: new Map(Array.from(survivors, (client) => [client, message])) };
  }

  #consistency(sharers: ReadonlySet<number>, survivors: ReadonlySet<number>): ServerStage<Uint8Array> {
    const text = survivorsText(this.shape.session, bitsOf(survivors, this.plan.cohort));
    const signatures = new Map<number, Uint8Array>();
    return {
      name: "consistency",
      codec: agreementMessage,
      from: survivors,
      accept: async (client, signature) => {
        await checkAgreement(client, signature, text, this.ports);
        signatures.set(client, signature);
      },
      close: async (present) => {
        const end = this.tooFew(present, "have agreed to the sum");
        if (end !== undefined) return end;
        this.next(this.unmask(sharers, survivors, present));
        return this.to(present, agreementsMessage, (client) =>
          this.near(client, present)
            .filter((other) => other !== client)
            .map((other) => ({ client: other, signature: signatures.get(other)! })),
        );
      },
    };
  }
}
