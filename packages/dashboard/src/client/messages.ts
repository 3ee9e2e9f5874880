import type { ClientReport, LiveClientResult } from "@anabranch/core/live";
import type { Failure } from "@anabranch/engine";

/** Where the examples of a browser client come from. */
export type DataSource =
  /** Its share of the data set that the server gives out for trials. */
  | { readonly kind: "demo" }
  /** A table with a column that holds the class. */
  | { readonly kind: "csv"; readonly file: File; readonly label: string }
  /** PNG and JPEG files, in one folder for each class. */
  | { readonly kind: "images"; readonly files: readonly { readonly path: string; readonly file: File }[] };

/** What a client needs to begin. */
export interface Start {
  readonly type: "start";
  /** Address of the run's routes, without a slash at its end. */
  readonly api: string;
  readonly run: string;
  readonly token: string;
  readonly name: string;
  readonly source: DataSource;
}

/** From the page to the worker. */
export type ToClient = Start | { readonly type: "leave" };

/** What happens at a client; a description is not worth copying. */
export type PageReport =
  | Exclude<ClientReport, { type: "joined" }>
  | {
      readonly type: "joined";
      readonly client: number;
      readonly examples: number;
      readonly rounds: number;
      readonly algorithm: string;
      readonly model: string;
      /** What the noise of the clients guarantees; undefined: they add none. */
      readonly privacy?: string | undefined;
    };

/** From the worker to the page. */
export type FromClient =
  | { readonly type: "report"; readonly report: PageReport }
  /** Bytes of tensors since the start. */
  | { readonly type: "bytes"; readonly down: number; readonly up: number }
  | { readonly type: "ended"; readonly result: LiveClientResult }
  | { readonly type: "failed"; readonly failure: Failure };
