import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const testKey = { accessKeyId: "TESTKEY", secretAccessKey: "not a secret/+=" } as const;

/** What happens to a request instead of what it asks for. */
export type Fault =
  | { readonly status: number; readonly code?: string }
  /** No answer, ever. */
  | "hang"
  /** The connection is reset before an answer. */
  | "reset"
  /** The answer ends in the middle. */
  | "cut"
  /** A byte of what is read is another one. */
  | "damage"
  /** Everything is done, and the answer is lost. */
  | "lose"
  /** An error whose text has no end. */
  | "flood"
  /** A list that says again and again that the same page follows. */
  | "repeat";

export interface S3Request {
  readonly method: string;
  /** Without the bucket. */
  readonly key: string;
}

/**
 * S3-compatible storage in memory with one bucket, "bucket". It checks signatures of version 4 as the protocol describes
 * them (AWS, Authenticating Requests: Using the Authorization Header), checksums, and the time of requests.
 */
export class TestS3 {
  readonly objects = new Map<string, Buffer>();
  readonly requests: S3Request[] = [];
  /** What goes wrong with a request; nothing by default. */
  fault: (request: S3Request) => Fault | undefined = () => undefined;
  region = "us-east-1";
  /** Milliseconds by which its clock is ahead. */
  clockAhead = 0;
  /** Objects in one answer to a list. */
  pageSize = 1000;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(port = 0): Promise<TestS3> {
    const server = createServer({ keepAlive: true });
    const s3 = new TestS3(server);
    server.on("request", (request, response) => {
      s3.#serve(request, response).catch(() => response.destroy());
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return s3;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  address(prefix = "runs"): string {
    return `s3://bucket/${prefix}?endpoint=http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://test");
    const [, bucket = "", ...rest] = decodeURIComponent(url.pathname).split("/");
    const key = rest.join("/");
    const asked = { method: request.method ?? "", key: key === "" ? (url.searchParams.get("prefix") ?? "") : key };
    this.requests.push(asked);
    const fault = this.fault(asked);
    if (fault === "hang") return;
    if (fault === "reset") return void request.socket.resetAndDestroy();
    if (fault === "flood") return flood(request, response);
    if (typeof fault === "object") return refuse(request, response, fault.status, fault.code);
    const wrong = this.#refusal(request, url, bucket);
    if (wrong !== undefined) return refuse(request, response, ...wrong);
    const body = await bodyOf(request);
    const checksum = request.headers["x-amz-checksum-sha256"];
    if (checksum !== undefined && checksum !== createHash("sha256").update(body).digest("base64"))
      return refuse(request, response, 400, "BadDigest");
    this.#answer(asked, url, body, fault, response, key);
  }

  #answer(
    { method }: S3Request,
    url: URL,
    body: Buffer,
    fault: Fault | undefined,
    response: ServerResponse,
    key: string,
  ) {
    if (method === "PUT") this.objects.set(key, body);
    if (method === "DELETE") this.objects.delete(key);
    if (fault === "lose") return void response.socket?.resetAndDestroy();
    if (method === "PUT") return void response.writeHead(200, { etag: '"x"' }).end();
    if (method === "DELETE") return void response.writeHead(204).end();
    if (key === "")
      return void response.writeHead(200, { "content-type": "application/xml" }).end(this.#page(url, fault));
    const found = this.objects.get(key);
    if (found === undefined) return void fail(response, 404, "NoSuchKey");
    const sent = Buffer.from(found);
    if (fault === "damage" && sent.length > 0) sent[0]! ^= 1;
    response.writeHead(200, { "content-length": sent.length });
    if (fault === "cut") return void response.write(sent.subarray(0, sent.length >> 1), () => response.destroy());
    response.end(sent);
  }

  #page(url: URL, fault: Fault | undefined): string {
    const prefix = url.searchParams.get("prefix") ?? "";
    const after = url.searchParams.get("continuation-token") ?? "";
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, this.pageSize);
    const more = fault === "repeat" || keys.length > page.length;
    const next = fault === "repeat" ? "0" : page.at(-1);
    const token = more ? `<NextContinuationToken>${next}</NextContinuationToken>` : "";
    const contents = page.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join("");
    return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${token}${contents}</ListBucketResult>`;
  }

  #refusal(request: IncomingMessage, url: URL, bucket: string): [status: number, code: string] | undefined {
    const parts =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)$/.exec(
        request.headers.authorization ?? "",
      );
    if (parts === null) return [403, "AccessDenied"];
    const [, keyId, day, region, signed, signature] = parts as unknown as string[];
    if (keyId !== testKey.accessKeyId) return [403, "InvalidAccessKeyId"];
    if (region !== this.region) return [400, "AuthorizationHeaderMalformed"];
    const time = String(request.headers["x-amz-date"]);
    if (Math.abs(parseTime(time) - (Date.now() + this.clockAhead)) > 15 * 60_000) return [403, "RequestTimeTooSkewed"];
    const names = signed!.split(";");
    for (const name of Object.keys(request.headers))
      if ((name === "host" || name.startsWith("x-amz-")) && !names.includes(name)) return [403, "AccessDenied"];
    const canonical = [
      request.method,
      url.pathname,
      canonicalQuery(url),
      ...names.map((name) => `${name}:${String(request.headers[name]).trim()}`),
      "",
      signed,
      request.headers["x-amz-content-sha256"],
    ].join("\n");
    const text = ["AWS4-HMAC-SHA256", time, `${day}/${region}/s3/aws4_request`, sha256(canonical)].join("\n");
    const key = [day!, region!, "s3", "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${testKey.secretAccessKey}`);
    if (hmac(key, text).toString("hex") !== signature) return [403, "SignatureDoesNotMatch"];
    if (bucket !== "bucket") return [404, "NoSuchBucket"];
    if (request.method === "PUT" && request.headers["content-length"] === undefined)
      return [411, "MissingContentLength"];
    return undefined;
  }
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

function canonicalQuery(url: URL): string {
  const escaped = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return [...url.searchParams]
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .sort()
    .join("&");
}

function parseTime(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Answers before the body has come, as real ones do, and closes. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, code = ""): void {
  response.setHeader("connection", "close");
  fail(response, status, code);
  request.resume();
}

function flood(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(503, { "content-type": "application/xml" });
  const piece = Buffer.alloc(65_536, "<a>");
  const write = () => {
    while (!response.destroyed && response.write(piece));
  };
  response.on("drain", write);
  write();
}

function fail(response: ServerResponse, status: number, code: string): void {
  const body = code === "" ? "" : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
  response.writeHead(status, { "content-type": "application/xml" }).end(body);
}
