import { AnabranchError } from "@anabranch/engine";
import type { Database } from "./database.ts";

/** The table that marks a database as one of ledgers, and keeps its version. */
export const markTable = "anabranch_ledger";

/**
 * What leads from each version to the next, for SQLite and PostgreSQL alike. Released ones never change: a new version is a
 * new entry.
 */
const migrations: readonly (readonly string[])[] = [
  [
    // `holder`: the opening that may write; `accepted`: how many updates were ever accepted
    `CREATE TABLE runs (
      run TEXT PRIMARY KEY,
      holder TEXT NOT NULL,
      accepted BIGINT NOT NULL
    )`,
    // `profile`: name and labels as JSON, so that every string can be stored
    `CREATE TABLE clients (
      run TEXT NOT NULL,
      client BIGINT NOT NULL,
      public_key TEXT NOT NULL,
      profile TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('enrolled', 'ejected')),
      PRIMARY KEY (run, client)
    )`,
    `CREATE TABLE tokens (
      run TEXT NOT NULL,
      hash TEXT NOT NULL,
      expires DOUBLE PRECISION,
      client BIGINT,
      revoked INTEGER NOT NULL CHECK (revoked IN (0, 1)),
      PRIMARY KEY (run, hash)
    )`,
    `CREATE TABLE orders (
      run TEXT NOT NULL,
      id TEXT NOT NULL,
      client BIGINT NOT NULL,
      version BIGINT NOT NULL,
      broadcast TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('given', 'accepted', 'closed')),
      hash TEXT,
      sequence BIGINT,
      PRIMARY KEY (run, id),
      UNIQUE (run, sequence),
      CHECK ((status = 'accepted') = (hash IS NOT NULL)),
      CHECK ((status = 'accepted') = (sequence IS NOT NULL))
    )`,
    "CREATE INDEX orders_by_version ON orders (run, version)",
    "CREATE INDEX orders_by_hash ON orders (run, hash)",
    // updates that no order names; `returned`: the call that returned them last
    `CREATE TABLE unnamed (
      run TEXT NOT NULL,
      hash TEXT NOT NULL,
      returned TEXT,
      PRIMARY KEY (run, hash)
    )`,
  ],
  [
    // of the newest version of the model: its number and the hash of its broadcast
    "ALTER TABLE runs ADD COLUMN newest BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE runs ADD COLUMN newest_broadcast TEXT",
  ],
  [
    // how many clients a token admits, and with which a client has joined
    "ALTER TABLE tokens ADD COLUMN places BIGINT",
    "ALTER TABLE clients ADD COLUMN token TEXT NOT NULL DEFAULT ''",
  ],
];

/**
 * Brings a database to the newest version.
 *
 * @throws `ledger/newer` for a database of a later version than this program knows
 */
export async function migrate(database: Database): Promise<void> {
  await database.transaction(async (query) => {
    await query(`CREATE TABLE IF NOT EXISTS ${markTable} (version BIGINT NOT NULL)`);
    const [mark] = await query(`SELECT version FROM ${markTable}`);
    const version = mark === undefined ? 0 : Number(mark["version"]);
    if (!(version <= migrations.length)) throw newer(version, database.place);
    for (const statement of migrations.slice(version).flat()) await query(statement);
    if (mark === undefined) await query(`INSERT INTO ${markTable} (version) VALUES (?)`, migrations.length);
    else if (version < migrations.length) await query(`UPDATE ${markTable} SET version = ?`, migrations.length);
  }, "alone");
}

function newer(version: number, place: string): AnabranchError {
  return new AnabranchError({
    code: "ledger/newer",
    message: "this ledger was made by a newer version of Anabranch",
    where: place,
    received: `version ${version} of the tables`,
    expected: `version ${migrations.length} or less`,
    advice: "Continue the run with that version, or upgrade this one.",
  });
}
