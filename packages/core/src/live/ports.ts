import type { ClientVectors } from "../round/client-state.ts";
import type { ServerMessage, UploadAnswer } from "./control.ts";
import type { VersionConflict } from "./newest-version.ts";
import type { SecureRecord } from "./secure-record.ts";

/** Time as server and client know it, so that a simulated network can own it. */
export interface Timers {
  /** Milliseconds; never goes back. */
  now(): number;
  /** Wall-clock time in milliseconds since 1970, for what expires. */
  date(): number;
  /** Calls once, after so many milliseconds; returns what cancels it. */
  after(milliseconds: number, call: () => void): () => void;
}

/** The server's end of a control connection. */
export interface Link {
  /** Where the client connected to, e.g. "http://127.0.0.1:8080": part of what it signs. */
  readonly origin: string;
  send(message: ServerMessage): void;
  close(): void;
}

/** A client of a run. */
export interface EnrolledClient {
  readonly client: number;
  /** Ed25519, raw, base64. */
  readonly publicKey: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: "enrolled" | "ejected";
  /** Hash of the token that it joined with. */
  readonly token: string;
}

/** A token that lets clients join. */
export interface JoinToken {
  /** SHA-256 of the token, hexadecimal: the token itself is not stored. */
  readonly hash: string;
  /** Milliseconds since 1970; undefined: never. */
  readonly expires: number | undefined;
  /** The only client number that it admits. */
  readonly client: number | undefined;
  /** Clients that it admits in all; undefined: as many as the run has places. */
  readonly places: number | undefined;
  readonly revoked: boolean;
}

/** What an operator chooses for a new token. */
export type TokenOptions = Partial<Pick<JoinToken, "expires" | "client" | "places">>;

/** A token as its operator sees it. */
export interface ListedToken extends JoinToken {
  /** Numbers of the clients that have joined with it. */
  readonly clients: readonly number[];
}

/** What the ledger knows of an order. */
export interface OrderRow {
  readonly id: string;
  readonly client: number;
  readonly version: number;
  /** Hash of the broadcast that is trained on. */
  readonly broadcast: string;
  readonly status: "given" | "accepted" | "closed";
  /** Of the accepted update. */
  readonly hash: string | undefined;
  /** Order of acceptance within the run, from 1. */
  readonly sequence: number | undefined;
}

/** An update that the server has received whole and durably, and has not judged yet. */
export interface ArrivedUpdate {
  /** SHA-256 of its bytes, hexadecimal. */
  readonly hash: string;
  readonly bytes: number;
  read(): Promise<Uint8Array | undefined>;
  /** Puts it into the blob store under its hash, durably. What is not kept is forgotten. */
  keep(): Promise<void>;
}

/**
 * What a live run must not forget: who joined, what was given out, what was accepted. Every call is durable once resolved.
 * One ledger is open per run, by one process.
 */
export interface Ledger {
  clients(): Promise<readonly EnrolledClient[]>;
  /** Adds or replaces the client of this number. */
  putClient(client: EnrolledClient): Promise<void>;
  tokens(): Promise<readonly JoinToken[]>;
  putToken(token: JoinToken): Promise<void>;
  order(id: string): Promise<OrderRow | undefined>;
  /** The orders on a version, by id. */
  ordersOf(version: number): Promise<readonly OrderRow[]>;
  /** Notes an order before it is given out; replaces a row of another broadcast. */
  giveOrder(row: Pick<OrderRow, "id" | "client" | "version" | "broadcast">): Promise<void>;
  /**
   * Accepts an update for an order that was given, in one transaction. "accepted": now. "again": the same bytes were accepted before.
   * "other": other bytes were. "closed": the order is over, or was never given. An update that is not accepted is among
   * those that no order names.
   */
  acceptUpdate(id: string, hash: string): Promise<"accepted" | "again" | "other" | "closed">;
  /** Ends an order that was given and not accepted; later updates for it are refused. */
  closeOrder(id: string): Promise<void>;
  /** Notes the newest version of the model, see `advanceVersion`. A conflict changes nothing. */
  noteVersion(version: number, broadcast?: string): Promise<"noted" | VersionConflict>;
  /** Hashes of all updates that an order names, sorted: no other blob of the run is needed after a restart. */
  updates(): Promise<readonly string[]>;
  /** Forgets orders of versions before this one; returns hashes of updates that no order names any more. */
  forgetBefore(version: number): Promise<readonly string[]>;
  /** Hash of a client's join token and public key are all that is kept of a join; closes files and connections. */
  close(): Promise<void>;
}

/** The client's end. Every method rejects with an `AnabranchError` that says whether to try again (`live/connection`) or not. */
export interface ClientTransport {
  /** Address of the server as the client knows it, see `Link.origin`. */
  readonly origin: string;
  connect(on: { message(text: string): void; closed(reason: string): void }): Promise<{
    send(text: string): void;
    close(): void;
  }>;
  /** The blob with this hash; verified; continues where an earlier try was cut off. `progress` gets a share of 0 to 1. */
  download(session: string, hash: string, bytes: number, progress: (share: number) => void): Promise<Uint8Array>;
  /** Sends an encoded update; continues where an earlier try was cut off. */
  upload(
    session: string,
    order: string,
    hash: string,
    bytes: Uint8Array,
    progress: (share: number) => void,
  ): Promise<UploadAnswer>;
}

/** States that a client keeps between rounds, by run and version. Survives restarts where the client does. */
export interface KeptStates {
  load(run: string, version: number): Promise<ClientVectors | undefined>;
  /** Durable once resolved. May forget versions older than the one before this. */
  save(run: string, version: number, state: ClientVectors): Promise<void>;
}

/** What a client remembers of secure aggregation, by run. Survives restarts where the client does. */
export interface SecureRecords {
  load(run: string): Promise<SecureRecord | undefined>;
  /** Durable once resolved. */
  save(run: string, record: SecureRecord): Promise<void>;
}

/** The key that a client is known by. */
export interface ClientIdentity {
  /** Ed25519, raw, base64. */
  readonly publicKey: string;
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
}
