import { AnabranchError } from "@anabranch/engine";
import { Argument, type Command, Option } from "commander";
import type { RemoteServer } from "../../server/remote-server.ts";
import type { TokenList, TokenRequest } from "../../server/token-schemas.ts";
import { formatPlural } from "../../terminal/format.ts";
import { commandName } from "../command-name.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { positiveCount, wholeCount } from "../parse.ts";
import { openRemote, type RemoteFlags, withRemoteOptions } from "../remote-options.ts";
import { localTime } from "../run-texts.ts";
import { table } from "../text.ts";

interface TokenFlags extends RemoteFlags {
  readonly places?: number;
  readonly ttl?: number;
  readonly client?: number;
}

const actions = ["list", "add", "revoke"] as const;
type TokenAction = (typeof actions)[number];

export function addTokens(program: Command): void {
  const command = program
    .command("tokens")
    .description("List, add or revoke the join tokens of a live run.")
    .argument("<url>", "address of the server or of a run's page, as anabranch serve prints it")
    .addArgument(new Argument("[action]", "what to do").choices(actions).default("list"))
    .argument("[hash]", "revoke: SHA-256 of the token as the list shows it, or its first characters")
    .addOption(new Option("--places <n>", "add: clients that it admits (default: all places)").argParser(positiveCount))
    .addOption(
      new Option("--ttl <seconds>", "add: how long new clients can join with it (default: no limit)").argParser(
        positiveCount,
      ),
    )
    .addOption(new Option("--client <number>", "add: the only client number that it admits").argParser(wholeCount))
    .action(async (url: string, action: TokenAction, hash: string | undefined, flags: TokenFlags, self: Command) => {
      const { globals, output } = parseInvocation(self);
      requireFitting(action, hash, flags);
      // the command line, which other users can list, may hold the token
      if (flags.token !== undefined) process.title = "anabranch tokens";
      using server = await openRemote(url, flags, globals);
      const run = await server.chosenRun();
      if (action === "add") await add(server, run, flags, output);
      else if (action === "revoke") await revoke(server, run, hash ?? "", output);
      else await list(server, run, output);
    });
  withRemoteOptions(command);
  acceptsOptions(command, "runs", "quiet");
  withExamples(
    command,
    ["anabranch tokens http://127.0.0.1:8080", "all tokens, with the clients that joined with each"],
    ["anabranch tokens http://127.0.0.1:8080 add --places 1", "a join link for one more member"],
    ["anabranch tokens http://127.0.0.1:8080 revoke HASH", "nobody joins with it any more"],
  );
}

async function list(server: RemoteServer, run: string, output: Output): Promise<void> {
  const tokens = await server.tokens(run);
  if (output.json) return output.document({ run, tokens });
  const columns = [
    { head: "token (SHA-256)" },
    { head: "state" },
    { head: "expires" },
    { head: "admits" },
    { head: "joined" },
  ];
  output.print(table(columns, tokens.map(rowOf), output.width));
}

type Listed = TokenList["tokens"][number];

function rowOf({ hash, expires, client, places, revoked, clients }: Listed): string[] {
  const isOver = expires !== null && Date.parse(expires) <= Date.now();
  return [
    hash.slice(0, 16),
    revoked ? "revoked" : isOver ? "expired" : "valid",
    expires === null ? "never" : localTime(expires),
    client !== null ? `client ${client}` : places === null ? "all places" : formatPlural(places, "client"),
    clients.length === 0 ? "none" : `clients ${clients.join(", ")}`,
  ];
}

async function add(server: RemoteServer, run: string, flags: TokenFlags, output: Output): Promise<void> {
  const { places, ttl: ttlSeconds, client } = flags;
  const request: TokenRequest = {
    ...(places === undefined ? {} : { places }),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    ...(client === undefined ? {} : { client }),
  };
  const made = await server.addToken(run, request);
  const pin = flags.fingerprint === undefined ? "" : ` --fingerprint ${flags.fingerprint}`;
  const joinCommand = `${commandName()} join "${made.joinLink}"${pin}`;
  if (output.json) return output.document({ run, ...made, joinCommand });
  if (output.quiet) return output.print(made.joinLink);
  output.print(`  join command  ${joinCommand}`, `  join link     ${made.joinLink}`);
}

async function revoke(server: RemoteServer, run: string, text: string, output: Output): Promise<void> {
  const known = /^[0-9a-f]{4,64}$/i.test(text) ? await server.tokens(run) : [];
  const found = known.filter(({ hash }) => hash.startsWith(text.toLowerCase()));
  const [first, second] = found;
  if (first === undefined || second !== undefined) throw noSuchToken(text, found.length);
  await server.revokeToken(run, first.hash);
  if (output.json) output.document({ run, revoked: first.hash });
  else output.print(`Revoked ${first.hash.slice(0, 16)}. Clients that joined with it stay.`);
}

/** @throws `usage/missing-argument`, `usage/option` */
function requireFitting(action: TokenAction, hash: string | undefined, { places, ttl, client }: TokenFlags): void {
  const advice = "See: anabranch tokens --help";
  if ((action === "revoke") !== (hash !== undefined)) {
    const message = action === "revoke" ? "revoke needs the hash of a token" : `"${action}" takes no hash`;
    throw new AnabranchError({ code: "usage/missing-argument", message, advice });
  }
  if (action === "add" || (places ?? ttl ?? client) === undefined) return;
  const message = `--places, --ttl and --client do not go with "${action}"`;
  throw new AnabranchError({ code: "usage/option", message, advice });
}

function noSuchToken(received: string, found: number): AnabranchError {
  return new AnabranchError({
    code: "operator/no-such-token",
    message: found === 0 ? "the run has no such token" : `${found} tokens begin so`,
    received: JSON.stringify(received),
    advice: "List them with: anabranch tokens URL",
  });
}
