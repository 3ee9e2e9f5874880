import { AnabranchError, type Failure } from "@anabranch/engine";
import * as z from "zod";

/** A folder of a bucket in S3-compatible storage. */
export interface S3Address {
  readonly bucket: string;
  /** What the keys begin with: empty, or with a slash at its end. */
  readonly prefix: string;
  /** Origin of the service, e.g. "https://s3.eu-central-1.amazonaws.com". */
  readonly endpoint: string;
  readonly region: string;
}

const query = z.strictObject({ endpoint: z.string().optional(), region: z.string().optional() });

/** Of services that have no regions, e.g. MinIO as it is installed. */
const usualRegion = "us-east-1";

/**
 * Reads `s3://BUCKET/PREFIX?endpoint=URL&region=NAME`. Without an endpoint it is that of Amazon, which needs a region. The
 * address holds no credentials.
 *
 * @throws `blob/address`; the error does not show the address, which may have a password in it
 * @example parseS3Address("s3://federation/trial?endpoint=http://127.0.0.1:9000")
 */
export function parseS3Address(text: string): S3Address {
  if (!text.startsWith("s3://") || !URL.canParse(text))
    throw wrongAddress("the address of the blobs is not understood");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") throw credentialsInAddress();
  const options = query.safeParse(Object.fromEntries(url.searchParams)).data;
  if (options === undefined || url.hash !== "" || url.port !== "")
    throw wrongAddress("the address of the blobs has parts that are not known");
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/.test(url.hostname))
    throw wrongAddress("this cannot be the name of a bucket");
  const { region = options.endpoint === undefined ? undefined : usualRegion } = options;
  if (region === undefined || !/^[a-z0-9-]{1,32}$/.test(region))
    throw wrongAddress("the region of the bucket is missing, or cannot be one");
  const endpoint = originOf(options.endpoint ?? `https://s3.${region}.amazonaws.com`);
  return { bucket: url.hostname, prefix: prefixOf(url.pathname), endpoint, region };
}

/** The folder of an address, in one spelling for each. */
export function placeOf({ bucket, prefix, endpoint }: S3Address): string {
  return `s3://${bucket}/${prefix} at ${endpoint}`;
}

/** An address as text, all of it; `parseS3Address` reads it back. */
export function addressText({ bucket, prefix, endpoint, region }: S3Address): string {
  return `s3://${bucket}/${prefix}?endpoint=${endpoint}&region=${region}`;
}

function prefixOf(pathname: string): string {
  const parts = pathname.split("/").filter((part) => part !== "");
  if (parts.every((part) => /^[\w-][\w.-]*$/.test(part))) return parts.map((part) => `${part}/`).join("");
  throw wrongAddress("the folder in the address of the blobs has characters that are not allowed");
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.username !== "" || url.password !== "")) throw credentialsInAddress();
  const isOrigin =
    url !== undefined && /^https?:$/.test(url.protocol) && `${url.pathname}${url.search}${url.hash}` === "/";
  if (!isOrigin) throw wrongAddress("the endpoint in the address of the blobs is not the address of a service");
  return url.origin;
}

function wrongAddress(message: string): AnabranchError {
  return refusal({ message, advice: "Correct it, in quotes. See: docs/deploy.md" });
}

function credentialsInAddress(): AnabranchError {
  return refusal({
    message: "credentials do not belong in the address of the blobs: other users of the machine can see it",
    advice: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, and replace this key.",
  });
}

function refusal(failure: Omit<Failure, "code">): AnabranchError {
  const expected =
    "s3://BUCKET/FOLDER?endpoint=https://HOST:PORT&region=NAME; names of letters, digits, dots, underscores and hyphens";
  return new AnabranchError({ code: "blob/address", expected, ...failure });
}
