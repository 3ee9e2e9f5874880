/** What is known beside the events. */
export interface PrivacyContext {
  /** Clients (or records) of the federation: a delta of 1/population or more is warned of. */
  readonly population?: number;
  /** Whom the guarantee is about; default "clients". */
  readonly unit?: "clients" | "records";
  /** Who adds the noise: a trusted server (default), the clients in shares of one sum, or every client in full. */
  readonly noise?: "central" | "distributed" | "local";
}
