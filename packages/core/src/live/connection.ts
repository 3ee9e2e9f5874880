import { type Curves, SIGNATURE_BYTES } from "../privacy/secure-aggregation/curves.ts";
import { KEY_BYTES } from "../privacy/secure-aggregation/public-key.ts";
import { VERSION } from "../version.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { type ClientMessage, CONTROL_BYTES, clientMessage, LIVE_VERSION, proofText } from "./control.ts";
import type { EnrolledClient, Link, Timers } from "./ports.ts";
import type { Roll } from "./roll.ts";
import type { TaskDescription } from "./task-description.ts";
import { withholdsMetadata } from "./withheld.ts";

/** A client may not take longer to say who it is. */
const HANDSHAKE_SECONDS = 15;

/** What a connection needs of its server. */
export interface ConnectionHost {
  readonly run: string;
  readonly description: TaskDescription;
  readonly progressSeconds: number;
  readonly roll: Roll;
  readonly timers: Timers;
  readonly curves: Curves;
  randomBytes(count: number): Uint8Array;
  /** The client has proved who it is; a new connection replaces an older one. */
  admitted(client: EnrolledClient, connection: Connection): void;
  /** The client can work. */
  ready(client: number, ready: Extract<ClientMessage, { type: "ready" }>): void;
  /** A message of an admitted client after `ready`. */
  received(client: number, message: ClientMessage): void;
  closed(client: number, connection: Connection, left: boolean): void;
  /** The server could not do what a message asks for. */
  failed(error: unknown): void;
}

type Hello = Extract<ClientMessage, { type: "hello" }>;

/** One control connection on the server's side: who is it, then what it says. Every message is parsed by schema. */
export class Connection {
  readonly session: string;
  readonly link: Link;
  readonly #host: ConnectionHost;
  readonly #nonce: string;
  readonly #cancelHandshake: () => void;
  #hello: Hello | undefined;
  #client: number | undefined;
  #ready = false;
  #over = false;
  /** Messages are handled one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(link: Link, host: ConnectionHost) {
    this.link = link;
    this.#host = host;
    this.#nonce = toBase64(host.randomBytes(24));
    this.session = toBase64(host.randomBytes(24));
    this.#cancelHandshake = host.timers.after(HANDSHAKE_SECONDS * 1000, () =>
      this.refuse("live/handshake", `the client did not identify itself within ${HANDSHAKE_SECONDS} s`, true),
    );
    link.send({ type: "challenge", v: LIVE_VERSION, package: VERSION, nonce: this.#nonce });
  }

  message(text: string): void {
    this.#turn = this.#turn
      .then(() => this.#handle(text))
      .catch((error: unknown) => {
        this.#host.failed(error);
        // what went wrong can have paths of this machine in it
        this.refuse("live/server", "the server cannot answer now; its log has more", true);
      });
  }

  closed(left = false): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelHandshake();
    if (this.#client !== undefined) this.#host.closed(this.#client, this, left);
  }

  /** Says why and ends the connection. */
  refuse(code: string, message: string, retry: boolean, advice?: string): void {
    if (this.#over) return;
    this.link.send({ type: "refused", code, message, retry, ...(advice === undefined ? {} : { advice }) });
    this.link.close();
    this.closed();
  }

  async #handle(text: string): Promise<void> {
    if (this.#over) return;
    const message = parse(text);
    if (message === undefined)
      return this.refuse("live/message", "a control message is not what the protocol has", false);
    if (message.type === "leave") {
      this.link.close();
      return this.closed(true);
    }
    if (this.#hello === undefined) return this.#handleHello(message);
    if (this.#client === undefined) return this.#handleProof(this.#hello, message);
    if (message.type === "ready" && !this.#ready) return this.#handleReady(this.#client, message);
    if (!this.#ready || message.type === "hello" || message.type === "prove" || message.type === "ready")
      return this.refuse("live/order", `"${message.type}" has no place here`, false);
    this.#host.received(this.#client, message);
  }

  #handleHello(message: ClientMessage): void {
    if (message.type !== "hello") this.refuse("live/order", 'the first message has to be "hello"', false);
    else if (message.run !== this.#host.run) this.refuse("live/run", "there is no such run here", false);
    else this.#hello = message;
  }

  async #handleProof(hello: Hello, message: ClientMessage): Promise<void> {
    if (message.type !== "prove") return this.refuse("live/order", 'the second message has to be "prove"', false);
    const proof = proofText(hello.run, this.#nonce, this.link.origin);
    const isValid = await verified(this.#host.curves, hello.publicKey, message.signature, proof);
    if (this.#over) return;
    if (!isValid) {
      const advice = "Connect to the server by the address in its join link.";
      return this.refuse("live/identity", "the client's signature is not valid for this server", false, advice);
    }
    const { roll, description, progressSeconds } = this.#host;
    const { publicKey, token, name, labels = {}, client } = hello;
    const admission = await roll.admit({ publicKey, token, name, labels, client });
    if (this.#over) return;
    if ("refused" in admission) {
      const { code, message: why, advice } = admission.refused;
      return this.refuse(code, why, false, advice);
    }
    this.#cancelHandshake();
    this.#client = admission.client.client;
    this.#host.admitted(admission.client, this);
    this.link.send({ type: "welcome", client: this.#client, session: this.session, description, progressSeconds });
  }

  #handleReady(client: number, message: Extract<ClientMessage, { type: "ready" }>): void {
    const { layoutHash, programHash, stages } = this.#host.description;
    if (message.layoutHash !== layoutHash || message.programHash !== programHash) {
      const versions = `the server runs Anabranch ${VERSION}, the client ${this.#hello!.package}`;
      this.refuse("live/version", `the client has built another program: ${versions}`, false);
    } else if (withholdsMetadata(stages)) {
      if (message.examples === undefined) this.#start(client, message);
      else this.refuse("live/examples", "the client reports its number of examples, which this run withholds", false);
    } else if (message.examples === undefined || message.examples === 0) {
      this.refuse("live/no-data", "the client has no examples", false);
    } else {
      this.#start(client, message);
    }
  }

  #start(client: number, message: Extract<ClientMessage, { type: "ready" }>): void {
    this.#ready = true;
    this.#host.ready(client, message);
  }
}

function parse(text: string): ClientMessage | undefined {
  if (text.length > CONTROL_BYTES) return undefined;
  try {
    return clientMessage.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

async function verified(curves: Curves, publicKey: string, signature: string, message: Uint8Array): Promise<boolean> {
  const [key, proof] = [fromBase64(publicKey), fromBase64(signature)];
  if (key?.length !== KEY_BYTES || proof?.length !== SIGNATURE_BYTES) return false;
  return curves.verify(key, message, proof);
}
