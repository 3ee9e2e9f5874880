import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { AnabranchError } from "@anabranch/core";
import { type KeptCertificate, type TlsFiles, trialCertificate } from "./trial-certificate.ts";

export type { TlsFiles } from "./trial-certificate.ts";

/** Where they come from: files, or a certificate made for a trial. */
export type TlsChoice = { readonly cert: string; readonly key: string } | "self";

const day = 86_400_000;

export interface OpenTls extends TlsFiles {
  /** SHA-256 of the certificate, as browsers and openssl show it. */
  readonly fingerprint: string;
  /** Whether it was made here, so that clients cannot know it but by its fingerprint. */
  readonly isTrial: boolean;
  /** What the operator should know. */
  readonly warning: string | undefined;
}

/**
 * @param names host names and addresses that a certificate made here is for
 * @param kept the certificate that a resumed trial had before
 * @throws `tls/unreadable`, `tls/invalid`, `tls/expired`, `tls/not-yet-valid`
 */
export async function openTls(
  choice: TlsChoice,
  names: readonly string[],
  kept?: KeptCertificate,
  now = new Date(),
): Promise<OpenTls> {
  const files =
    choice === "self"
      ? trialCertificate(kept, names, now)
      : { cert: await readPem(choice.cert, "--tls-cert"), key: await readPem(choice.key, "--tls-key") };
  const certificate = parse(files, choice === "self" ? "the certificate made for this trial" : choice.cert);
  const { fingerprint256: fingerprint } = certificate;
  const isTrial = choice === "self";
  const renewed = isTrial ? whyNew(kept, files) : undefined;
  return { ...files, fingerprint, isTrial, warning: renewed ?? validity(certificate, choice, now) };
}

/** Clients have pinned the certificate that a trial had: they have to know of another one. */
function whyNew(kept: KeptCertificate, { cert }: TlsFiles): string | undefined {
  if (kept === undefined || (kept !== "damaged" && kept.cert === cert)) return undefined;
  const why =
    kept === "damaged" ? "the file of the old one is damaged" : "the old one has expired or was for other names";
  return `The certificate of the trial is a new one: ${why}. Clients have to join again with the new fingerprint.`;
}

async function readPem(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new AnabranchError({
      code: "tls/unreadable",
      message: "a file for TLS cannot be read",
      where: `${option} ${path}`,
      received: cause instanceof Error ? cause.message : String(cause),
      expected: "a PEM file that this user may read",
      cause,
    });
  }
}

function parse({ cert, key }: TlsFiles, where: string): X509Certificate {
  try {
    createSecureContext({ cert, key });
    return new X509Certificate(cert);
  } catch (cause) {
    throw new AnabranchError({
      code: "tls/invalid",
      message: "the certificate and its key cannot be used",
      where,
      received: cause instanceof Error ? cause.message : String(cause),
      expected: "a certificate and the key that belongs to it, both PEM, the key without a passphrase",
      cause,
    });
  }
}

/** Refuses a certificate that clients would refuse; what comes back is a warning. */
function validity(certificate: X509Certificate, choice: TlsChoice, now: Date): string | undefined {
  const { validFromDate: from, validToDate: to } = certificate;
  const where = choice === "self" ? "--tls self" : choice.cert;
  if (now > to) {
    throw new AnabranchError({
      code: "tls/expired",
      message: `the certificate expired on ${to.toISOString()}`,
      where,
      advice: "Renew it, then start again. Clients would refuse it. If the date is wrong, set this machine's clock.",
    });
  }
  if (now < from) {
    throw new AnabranchError({
      code: "tls/not-yet-valid",
      message: `the certificate is valid from ${from.toISOString()}, which is later than this machine's clock`,
      where,
      received: now.toISOString(),
      advice: "Set this machine's clock, or get another certificate.",
    });
  }
  const days = Math.floor((to.getTime() - now.getTime()) / day);
  if (choice === "self" || days >= 14) return undefined;
  return `The certificate expires in ${days} days, on ${to.toISOString()}. Renew it before then.`;
}
