import type { ArrivedUpdate, Link, ListedToken, LiveStatus, TokenOptions, UploadAnswer } from "@anabranch/core/live";
import type { RunFolder } from "../store/run-folder.ts";
import type { BlobReads } from "./blob-reads.ts";
import type { EventFeed } from "./event-feed.ts";
import type { Logger } from "./log.ts";
import type { OperatorAccess } from "./operator.ts";
import type { Uploads } from "./uploads.ts";

/** What the routes need of core's `LiveServer`. */
export interface LiveSide {
  /** One control connection. */
  connect(link: Link): { message(text: string): void; closed(): void };
  /** The client of a session; undefined where there is no such session. */
  clientOf(session: string): number | undefined;
  mayFetch(session: string, hash: string): Promise<boolean>;
  /** Whether an upload is still waited for. */
  isOpen(client: number, order: string): boolean;
  /** Asked before the first byte; undefined: go on. */
  mayUpload(client: number, order: string, hash: string, bytes: number): Promise<UploadAnswer | undefined>;
  uploaded(client: number, order: string, update: ArrivedUpdate): Promise<UploadAnswer>;
  status(): LiveStatus;
  pause(): void;
  resume(): void;
  /** False: there is no such client. */
  eject(client: number): Promise<boolean>;
  readmit(client: number): Promise<boolean>;
  addToken(options: TokenOptions): Promise<string>;
  tokens(): readonly ListedToken[];
  /** False: there is no such token. */
  revokeToken(hash: string): Promise<boolean>;
}

/** A live run as the server shows it. */
export interface ServedRun {
  readonly id: string;
  readonly name: string;
  readonly folder: RunFolder;
  readonly live: LiveSide;
  readonly uploads: Uploads;
  readonly blobs: BlobReads;
  readonly events: EventFeed;
  readonly operator: OperatorAccess;
  readonly log: Logger;
  /** Whether its privacy depends on who takes part being secret: then only its operator may see its status. */
  readonly isPrivate: boolean;
  /** The link by which clients join with a token. */
  joinLink(token: string): string;
  /** The shipped data set that browser clients get for a trial; undefined: none. */
  readonly demoData?: string | undefined;
  /** Has the run finish its round, save and stop. */
  stop(): void;
}
