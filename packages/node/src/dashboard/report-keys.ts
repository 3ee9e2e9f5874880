import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/**
 * Addresses of reports. A report opens in a tab of its own, which cannot send the token: its address has a key that opens
 * this report and nothing else, for as long as the dashboard runs.
 */
export class ReportKeys {
  readonly #secret = randomBytes(32);

  /** @param folders names of the runs that the report is about */
  path(folders: readonly string[]): string {
    const query = new URLSearchParams(folders.map((folder) => ["run", folder]));
    query.append("key", this.#keyOf(folders).toString("base64url"));
    return `report?${query}`;
  }

  opens(key: string, folders: readonly string[]): boolean {
    const [given, right] = [Buffer.from(key, "base64url"), this.#keyOf(folders)];
    return given.length === right.length && timingSafeEqual(given, right);
  }

  #keyOf(folders: readonly string[]): Buffer {
    return createHmac("sha256", this.#secret).update(JSON.stringify(folders)).digest();
  }
}
