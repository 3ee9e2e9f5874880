import { refusedUpload, type UploadAnswer } from "./control.ts";
import type { GivenOrder, GivenOrders } from "./given-orders.ts";
import type { ArrivedUpdate, Ledger } from "./ports.ts";
import type { UpdateReader } from "./update-reader.ts";

/** Takes the updates that clients upload for their orders. One counts for each order, however often it is sent. */
export class OrderUploads {
  readonly #given: GivenOrders;
  readonly #reader: UpdateReader;
  readonly #ledger: Ledger;
  readonly #maxBytes: number;

  /** @param maxBytes longest encoded update */
  constructor(given: GivenOrders, reader: UpdateReader, ledger: Ledger, maxBytes: number) {
    this.#given = given;
    this.#reader = reader;
    this.#ledger = ledger;
    this.#maxBytes = maxBytes;
  }

  /** What an upload would be answered before its first byte; undefined: it may come. */
  async mayUpload(client: number, id: string, hash: string, bytes: number): Promise<UploadAnswer | undefined> {
    const given = this.#given.find(client, id);
    if (given === undefined || given.settled) return this.#answerAgain(client, id, hash);
    const most = this.#maxBytes;
    if (bytes > most)
      return refusedUpload("live/too-large", `the update has ${bytes} bytes; at most ${most} are taken`);
    given.deadline.progress();
    return undefined;
  }

  /** An update has arrived. It counts once, whatever is sent again, and only one that counts is kept. */
  async uploaded(client: number, id: string, arrived: ArrivedUpdate): Promise<UploadAnswer> {
    const { hash } = arrived;
    const given = this.#given.find(client, id);
    if (given?.version === undefined || given.settled) return this.#answerAgain(client, id, hash);
    const outcome = await this.#reader.readArrived(given, arrived);
    if ("failure" in outcome) {
      const { code, message } = outcome.failure;
      if (!given.settled) await this.#given.fail(given, code, message);
      return refusedUpload(code, message);
    }
    const answer = await this.#keep(given, arrived);
    if (answer === "other" || answer === "closed") return this.#answerAgain(client, id, hash);
    this.#given.settle(given, { hash });
    return { status: "accepted", hash };
  }

  /** Stores an update and accepts it. However long the store takes, the client is not late. */
  async #keep(given: GivenOrder, arrived: ArrivedUpdate) {
    given.deadline.hold();
    try {
      await arrived.keep();
      return await this.#ledger.acceptUpdate(given.order.id, arrived.hash);
    } finally {
      given.deadline.release();
      if (this.#given.get(given.order.id) !== undefined && !given.settled) given.deadline.progress();
    }
  }

  /** For an order that is over: whether this was its update. */
  async #answerAgain(client: number, id: string, hash: string): Promise<UploadAnswer> {
    const row = await this.#ledger.order(id);
    if (row?.client !== client || row.status !== "accepted")
      return refusedUpload("live/closed", "this order is over, or not yours");
    if (row.hash === hash) return { status: "accepted", hash };
    return refusedUpload("live/other-update", "another update was accepted for this order; the first counts");
  }
}
