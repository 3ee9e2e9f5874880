import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { VERSION } from "@anabranch/core";
import {
  type ClientMessage,
  proofText,
  type ServerMessage,
  serverMessage,
  taskDescription,
} from "@anabranch/core/live";
import { WebSocket } from "ws";
import { sha256 } from "./fake-live.ts";

/** A client that speaks the protocol by hand, so that a test can have it do what no honest client does. */
export class HandClient {
  readonly received: ServerMessage[] = [];
  readonly #url: string;
  readonly #run: string;
  readonly #socket: WebSocket;
  readonly #key: KeyObject;
  readonly #publicKey: string;

  /** @param url of the server */
  constructor(url: string, run: string) {
    this.#url = url;
    this.#run = run;
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    this.#key = privateKey;
    this.#publicKey = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("base64");
    this.#socket = new WebSocket(`${url.replace("http", "ws")}/api/runs/${run}/socket`);
    this.#socket.on("message", (data) => this.received.push(serverMessage.parse(JSON.parse(String(data)))));
    this.#socket.on("error", () => {});
  }

  /** @param message also a text that is none */
  say(message: ClientMessage | string): void {
    this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** The code by which the server ends the connection; it may say so at any time. */
  async refused(): Promise<string> {
    return (await this.heard("refused")).code;
  }

  /** The first message of a type; waits for it. */
  async heard<T extends ServerMessage["type"]>(type: T): Promise<Extract<ServerMessage, { type: T }>> {
    for (;;) {
      const found = this.received.find(
        (message): message is Extract<ServerMessage, { type: T }> => message.type === type,
      );
      if (found !== undefined) return found;
      if (this.#socket.readyState === WebSocket.CLOSED) throw new Error(`no ${type}: ${JSON.stringify(this.received)}`);
      await Promise.race([once(this.#socket, "message"), once(this.#socket, "close")]);
    }
  }

  /** What it says first, and its proof. @param origin that it signs for */
  async introduction(token: string, client: number | undefined, origin = this.#url): Promise<ClientMessage[]> {
    const { nonce } = await this.heard("challenge");
    const run = this.#run;
    const hello: ClientMessage = {
      ...{ type: "hello", v: 1, package: VERSION, run, token, publicKey: this.#publicKey },
      ...(client === undefined ? {} : { client }),
    };
    const signature = sign(null, proofText(run, nonce, origin), this.#key).toString("base64");
    return [hello, { type: "prove", signature }];
  }

  /** Says who it is. @param origin that it signs for */
  async introduce(token: string, client: number, origin = this.#url): Promise<void> {
    for (const message of await this.introduction(token, client, origin)) this.say(message);
  }

  /** Joins and can work. Returns its session. */
  async join(token: string, client: number): Promise<string> {
    await this.introduce(token, client);
    const { session, description } = await this.heard("welcome");
    const { layoutHash, programHash, stages } = taskDescription.parse(description);
    const examples = stages.secureAggregation === undefined ? { examples: 10 } : {};
    this.say({ type: "ready", layoutHash, programHash, ...examples, executor: "hand", fingerprint: "none" });
    return session;
  }

  /** Sends bytes as the update of an order; returns status and answer. */
  async upload(session: string, order: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const name = order.replaceAll("/", ".");
    const query = `offset=0&total=${bytes.length}&hash=${sha256(bytes)}`;
    const response = await fetch(`${this.#url}/api/runs/${this.#run}/orders/${name}?${query}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${session}` },
      body: bytes,
    });
    const { status = "", code = "" } = (await response.json()) as { status?: string; code?: string };
    return [response.status, status, code].filter((part) => part !== "").join(" ");
  }

  async fetchBlob(session: string, hash: string): Promise<Response> {
    return fetch(`${this.#url}/api/runs/${this.#run}/blobs/${hash}`, {
      headers: { authorization: `Bearer ${session}` },
    });
  }

  async leave(): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}
