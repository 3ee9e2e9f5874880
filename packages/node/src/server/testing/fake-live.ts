import { createHash } from "node:crypto";
import type { ArrivedUpdate, Link, ListedToken, LiveStatus, TokenOptions, UploadAnswer } from "@anabranch/core/live";
import type { LiveSide } from "../served-run.ts";

export const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

/** Stands in for core's server: clients 0 to 3 have the sessions "session-0" to "session-3", order ROUND/CLIENT/0 is open. */
export class FakeLive implements LiveSide {
  readonly calls: string[] = [];
  readonly links: Link[] = [];
  readonly messages: string[] = [];
  closed = 0;
  readonly published = new Set<string>();
  readonly openOrders = new Set(["1/0/0", "1/1/0", "1/2/0"]);
  readonly accepted = new Map<string, string>();
  state: LiveStatus["state"] = "running";
  /** Called with every control message. */
  onMessage: (link: Link, text: string) => void = () => {};

  connect(link: Link) {
    this.links.push(link);
    link.send({ type: "challenge", v: 1, package: "0.0.0", nonce: "bm9uY2U=" });
    return {
      message: (text: string) => {
        this.messages.push(text);
        this.onMessage(link, text);
      },
      closed: () => {
        this.closed++;
      },
    };
  }

  clientOf(session: string): number | undefined {
    const client = /^session-([0-3])$/.exec(session)?.[1];
    return client === undefined ? undefined : Number(client);
  }

  async mayFetch(session: string, hash: string): Promise<boolean> {
    return this.clientOf(session) !== undefined && this.published.has(hash);
  }

  isOpen(_client: number, order: string): boolean {
    return this.openOrders.has(order);
  }

  async mayUpload(client: number, order: string, hash: string, bytes: number): Promise<UploadAnswer | undefined> {
    if (this.accepted.get(order) === hash) return { status: "accepted", hash };
    const own = this.openOrders.has(order) && order.split("/")[1] === String(client);
    if (!own) return { status: "refused", code: "live/closed", message: "this order is over, or not yours" };
    if (bytes > 10_000_000) return { status: "refused", code: "live/too-large", message: "too large" };
    return undefined;
  }

  async uploaded(_client: number, order: string, { hash, keep }: ArrivedUpdate): Promise<UploadAnswer> {
    this.calls.push(`uploaded ${order}`);
    const first = this.accepted.get(order) ?? hash;
    if (first !== hash) return { status: "refused", code: "live/other-update", message: "another update was accepted" };
    await keep();
    this.accepted.set(order, first);
    return { status: "accepted", hash };
  }

  status(): LiveStatus {
    const clients = [0, 1].map((client) => ({
      ...({
        client,
        name: `client ${client}`,
        labels: {},
        status: "enrolled",
        connected: true,
        phase: "training",
      } as const),
      ...{
        share: 0.5,
        examples: 100,
        order: `1/${client}/0`,
        accepted: 2,
        failed: 1,
        bytesUp: 10,
        bytesDown: 20,
        lastSeenSeconds: 1,
      },
    }));
    return { run: "run234", state: this.state, round: 1, rounds: 3, population: 4, minimumClients: 2, clients };
  }

  pause(): void {
    this.state = "paused";
  }

  resume(): void {
    this.state = "running";
  }

  async eject(client: number): Promise<boolean> {
    this.calls.push(`eject ${client}`);
    return client < 4;
  }

  async readmit(client: number): Promise<boolean> {
    this.calls.push(`readmit ${client}`);
    return client < 4;
  }

  tokens(): readonly ListedToken[] {
    const places = { expires: undefined, client: undefined, places: 1, revoked: false };
    return [{ hash: sha256("a-new-token"), ...places, clients: [1] }];
  }

  async addToken(options: TokenOptions): Promise<string> {
    const { expires, ...rest } = options;
    const seconds = expires === undefined ? undefined : Math.round((expires - Date.now()) / 1000);
    this.calls.push(`token ${JSON.stringify({ ...rest, expires: seconds })}`);
    return "a-new-token";
  }

  async revokeToken(hash: string): Promise<boolean> {
    this.calls.push("revoke");
    return hash === sha256("a-new-token");
  }
}
