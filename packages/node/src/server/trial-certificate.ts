import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import type { RunFolder } from "../store/run-folder.ts";
import { selfSigned } from "./certificate.ts";

/** Certificate chain and key as PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Days that a certificate made for a trial is valid. */
const trialDays = 30;
const fileName = "trial-tls.pem";
const longestFile = 65_536;

/** What there is of the certificate that a trial had before; "damaged": it cannot be used. */
export type KeptCertificate = TlsFiles | "damaged" | undefined;

/**
 * The certificate of a trial: the one that the run had before, as its clients have pinned it, where it is still valid for all
 * names; else a new one.
 */
export function trialCertificate(kept: KeptCertificate, names: readonly string[], now: Date): TlsFiles {
  const isUsable = kept !== undefined && kept !== "damaged" && fits(kept, names, now);
  return isUsable ? kept : selfSigned(names, now, trialDays);
}

function fits({ cert }: TlsFiles, names: readonly string[], now: Date): boolean {
  const certificate = new X509Certificate(cert);
  const isFor = (name: string) =>
    (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
  return certificate.validFromDate <= now && now < certificate.validToDate && names.every(isFor);
}

/** Keeps certificate and key with the run, for this user alone. */
export async function keepTrialCertificate({ files, folder }: RunFolder, { cert, key }: TlsFiles): Promise<void> {
  await files.write(join(folder, fileName), Buffer.from(cert + key), 0o600);
}

/** What was kept with a run; undefined where nothing was. */
export async function keptTrialCertificate({ files, folder }: RunFolder): Promise<KeptCertificate> {
  const file = await files.open(join(folder, fileName));
  if (file === undefined) return undefined;
  await file.close();
  try {
    return usable(Buffer.from((await files.read(join(folder, fileName), longestFile)) ?? []).toString("utf8"));
  } catch {
    return "damaged";
  }
}

/** Throws where certificate and key cannot be read, or do not belong together. */
function usable(text: string): TlsFiles {
  const at = text.indexOf("-----BEGIN PRIVATE KEY-----");
  const found = { cert: text.slice(0, at), key: text.slice(at) };
  createSecureContext(found);
  new X509Certificate(found.cert);
  return found;
}
