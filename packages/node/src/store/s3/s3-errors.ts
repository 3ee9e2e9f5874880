import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";

/** Why a request failed, and whether the next one may succeed. */
export interface S3Failure {
  readonly error: AnabranchError;
  readonly isPassing: boolean;
}

/** What the store answered, as s3mini throws it. The body may repeat the key's name: only its code is used. */
const answer = z.object({ status: z.number(), body: z.string().optional() });

type Known = { readonly code: string; readonly message: string; readonly advice: string; readonly isPassing?: true };

/** A request that was given up because no byte moved. */
export class SilentStore extends Error {}

/** A failed request as an error that an operator can act on. @param where the place of the blob */
export function s3Failure(error: unknown, where: string): S3Failure {
  if (error instanceof AnabranchError) return { error, isPassing: false };
  const { received, known } = failureOf(error);
  const { isPassing = false, ...failure } = known;
  return { error: new AnabranchError({ ...failure, where, received }), isPassing };
}

/** Whether the store said that there is no such blob. */
export function isMissing(error: unknown): boolean {
  const { data } = answer.safeParse(error);
  return data?.status === 404 && codeIn(data.body) === "NoSuchKey";
}

function failureOf(error: unknown): { readonly received: string; readonly known: Known } {
  const { data } = answer.safeParse(error);
  if (data !== undefined) {
    const code = codeIn(data.body);
    return { received: `status ${data.status}${code === "" ? "" : `, ${code}`}`, known: byAnswer(data.status, code) };
  }
  if (error instanceof SilentStore) return { received: error.message, known: silent };
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const received = cause instanceof Error ? cause.message || cause.name : String(cause);
  if (received === "unexpected redirect") return { received, known: wrongRegion };
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return { received, known: /CERT|SELF_SIGNED|UNABLE_TO_/.test(code) ? untrusted : unreachable };
}

function codeIn(body = ""): string {
  return /<Code>(\w{1,64})<\/Code>/.exec(body)?.[1] ?? "";
}

function byAnswer(status: number, code: string): Known {
  if (status === 507 || fullCodes.test(code)) return full;
  if (code === "RequestTimeTooSkewed" || code === "RequestExpired") return wrongClock;
  if (status < 400 || regionCodes.test(code)) return wrongRegion;
  if (status === 401 || loginCodes.test(code)) return login;
  if (code === "NoSuchBucket" || (status === 404 && code !== "NoSuchKey")) return noBucket;
  if (status === 403) return forbidden;
  return status >= 500 || status === 429 || passingCodes.test(code) ? broken : refused;
}

const fullCodes = /^(XMinioStorageFull|XMinioAdminBucketQuotaExceeded|QuotaExceeded|InsufficientStorage|StorageFull)$/;
const regionCodes = /^(AuthorizationHeaderMalformed|PermanentRedirect|TemporaryRedirect|IncorrectEndpoint)$/;
const loginCodes = /^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|XAdminUserNotFound)$/;
/** Also of requests that were damaged on the way. */
const passingCodes = /^(RequestTimeout|SlowDown|BadDigest|IncompleteBody|XAmzContentChecksumMismatch|InvalidDigest)$/;

/** What was accepted before is in the store and in the ledger. */
const goOn = "What a run has accepted is intact; continue it with: anabranch serve --resume RUN";

const full: Known = {
  code: "blob/full",
  message: "the storage of the blobs has no room",
  advice: `Free space or raise the quota. ${goOn}`,
};
const wrongClock: Known = {
  code: "blob/clock",
  message: "the clocks of this machine and of the storage differ too much",
  advice: `Set the clock of this machine; the storage allows 15 minutes. ${goOn}`,
};
const wrongRegion: Known = {
  code: "blob/region",
  message: "the bucket is in another region, or at another endpoint",
  advice: "Correct region=NAME or endpoint=URL in the address of the blobs.",
};
const noBucket: Known = {
  code: "blob/no-bucket",
  message: "the storage has no bucket of this name",
  advice: "Make the bucket, or correct the address of the blobs. Anabranch makes none.",
};
const login: Known = {
  code: "blob/login",
  message: "the storage does not know this key, or its secret is another one",
  advice: "Correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment.",
};
const forbidden: Known = {
  code: "blob/forbidden",
  message: "the storage does not let this key do this",
  advice: `Allow it to read, write and delete objects in this folder, and to list the bucket. ${goOn}`,
};
const broken: Known = {
  code: "blob/unavailable",
  message: "the storage of the blobs cannot answer now",
  advice: `Its own log may say more. ${goOn}`,
  isPassing: true,
};
const silent: Known = {
  code: "blob/slow",
  message: "the storage of the blobs answers too slowly",
  advice: `Look at the storage and at the network to it. ${goOn}`,
  isPassing: true,
};
const unreachable: Known = {
  code: "blob/unreachable",
  message: "the storage of the blobs cannot be reached",
  advice: `Start it, or correct the endpoint in the address of the blobs. ${goOn}`,
  isPassing: true,
};
const untrusted: Known = {
  code: "blob/certificate",
  message: "the certificate of the storage is not trusted",
  advice: "For an authority of your own set NODE_EXTRA_CA_CERTS=FILE in the environment.",
};
const refused: Known = {
  code: "blob/refused",
  message: "the storage refused the request",
  advice: "Its log may say more. The storage has to speak the S3 protocol with signatures of version 4.",
};
