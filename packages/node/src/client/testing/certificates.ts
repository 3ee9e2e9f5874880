import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether certificates can be made: tests of TLS are skipped where the command openssl is missing. */
export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const configuration = (host: string) => `
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[req]
distinguished_name = subject
[subject]
[names]
subjectAltName = ${host}
`;

/** A self-signed certificate for a host such as "IP:127.0.0.1", valid from and to a date such as "20200101000000Z". */
export function selfSigned(host: string, from: string, to: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "anabranch-tls-"));
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  try {
    writeFileSync(join(folder, "openssl.cnf"), configuration(host));
    writeFileSync(join(folder, "index.txt"), "");
    writeFileSync(join(folder, "serial"), "01");
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    openssl(
      "req",
      "-new",
      ...curve,
      "-config",
      "openssl.cnf",
      "-subj",
      "/CN=test",
      "-keyout",
      "key.pem",
      "-out",
      "csr.pem",
    );
    const signed = ["-selfsign", "-keyfile", "key.pem", "-in", "csr.pem", "-out", "cert.pem", "-batch", "-notext"];
    openssl("ca", "-config", "openssl.cnf", ...signed, "-startdate", from, "-enddate", to);
    return { key: readFileSync(join(folder, "key.pem"), "utf8"), cert: readFileSync(join(folder, "cert.pem"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
