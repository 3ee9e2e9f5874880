import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
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

/**
 * The certificate of a trial: the one that the run had before, as its clients have pinned it, where it is still valid for all
 * names; else a new one.
 */
export function trialCertificate(kept: TlsFiles | undefined, names: readonly string[], now: Date): TlsFiles {
  return kept !== undefined && fits(kept, names, now) ? kept : selfSigned(names, now, trialDays);
}

function fits({ cert }: TlsFiles, names: readonly string[], now: Date): boolean {
  try {
    const certificate = new X509Certificate(cert);
    const isFor = (name: string) =>
      (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
    return certificate.validFromDate <= now && now < certificate.validToDate && names.every(isFor);
  } catch {
    return false;
  }
}

/** Keeps certificate and key with the run, for this user alone. */
export async function keepTrialCertificate({ files, folder }: RunFolder, { cert, key }: TlsFiles): Promise<void> {
  await files.write(join(folder, fileName), Buffer.from(cert + key), 0o600);
}

/** What was kept; undefined where nothing was. */
export async function keptTrialCertificate({ files, folder }: RunFolder): Promise<TlsFiles | undefined> {
  const bytes = await files.read(join(folder, fileName), longestFile);
  const text = Buffer.from(bytes ?? []).toString("utf8");
  const at = text.indexOf("-----BEGIN PRIVATE KEY-----");
  return at <= 0 ? undefined : { cert: text.slice(0, at), key: text.slice(at) };
}
