import { randomBytes } from "node:crypto";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import {
  inProcessSimulation,
  memoryBlobStore,
  memoryClientStates,
  type PreparedRun,
  type RunResult,
  runFederation,
} from "@anabranch/core";
import {
  blobName,
  type LiveNotice,
  LiveServer,
  MemoryLedgers,
  systemTimers,
  type TaskDescription,
} from "@anabranch/core/live";
import type { Executor } from "@anabranch/engine";
import { WebSocketServer } from "ws";

/** A live run behind HTTP, with everything in memory, for tests of clients. */
export class LiveSite {
  readonly live: LiveServer;
  readonly notices: LiveNotice[];
  readonly url: string;
  readonly #run: PreparedRun;
  readonly #http: http.Server;

  private constructor(run: PreparedRun, live: LiveServer, notices: LiveNotice[], server: http.Server) {
    this.#run = run;
    this.live = live;
    this.notices = notices;
    this.#http = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(run: PreparedRun, description: TaskDescription): Promise<LiveSite> {
    const blobs = memoryBlobStore();
    const notices: LiveNotice[] = [];
    const settings = {
      minimumClients: run.plan.population,
      progressSeconds: 120,
      longestSeconds: 600,
      maxUpdateBytes: 1e9,
      keptVersions: 2,
      releasesOnce: false,
    };
    const live = await LiveServer.open(
      { ...settings, description },
      {
        blobs,
        ledger: await new MemoryLedgers().open(description.run),
        timers: systemTimers,
        randomBytes: (count) => randomBytes(count),
        notice: (notice) => void notices.push(notice),
      },
    );
    const server = http.createServer(async (request, response) => {
      const url = new URL(request.url ?? "", "http://test");
      const [, , , , kind = "", name = ""] = url.pathname.split("/");
      const session = request.headers.authorization?.replace("Bearer ", "") ?? "";
      const client = live.clientOf(session);
      const answer = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
      if (client === undefined) return answer(401, {});
      if (kind === "blobs") {
        const blob = (await live.mayFetch(session, name)) ? await blobs.get(blobName(name)) : undefined;
        return blob === undefined
          ? answer(404, {})
          : response.writeHead(200, { "content-length": blob.length }).end(blob);
      }
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      const hash = url.searchParams.get("hash") ?? "";
      const keep = () => blobs.put(blobName(hash), body);
      const update = { hash, bytes: body.length, read: async () => body, keep };
      return answer(200, await live.uploaded(client, name.replaceAll(".", "/"), update));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket, request) => {
      const connection = live.connect({
        origin: `http://${request.headers.host}`,
        send: (message) => socket.send(JSON.stringify(message)),
        close: () => socket.close(),
      });
      socket.on("message", (text) => connection.message(String(text)));
      socket.on("close", () => connection.closed());
    });
    return new LiveSite(run, live, notices, server);
  }

  /** A join link with a new token. */
  async link(): Promise<string> {
    return `${this.url}/join/${this.#run.plan.id}#token=${await this.live.addToken()}`;
  }

  /** Runs to the end, with the clients that join. */
  async train(executor: Executor): Promise<RunResult> {
    const { plan, simulation } = this.#run;
    const { evaluator } = await inProcessSimulation(simulation, executor);
    const { live } = this;
    const result = await runFederation(plan, {
      backend: live.backend,
      evaluator: { ...evaluator, evaluateClients: (parameters) => live.evaluateClients(parameters) },
      clientStates: live.clientStates,
      checkpoints: memoryBlobStore(),
      emit: () => {},
    });
    const { round, stopped, modelHash } = result;
    live.finish({ round, stopped, modelHash });
    return result;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#http.close(resolve));
    this.#http.closeAllConnections();
    await closed;
  }
}

/** The same run in this process: what a live one has to equal. */
export async function simulated({ plan, simulation }: PreparedRun, executor: Executor): Promise<RunResult> {
  const { backend, evaluator } = await inProcessSimulation(simulation, executor);
  const ports = { backend, evaluator, clientStates: memoryClientStates(), checkpoints: memoryBlobStore() };
  return runFederation(plan, { ...ports, emit: () => {} });
}
