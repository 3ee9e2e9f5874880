import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { selfSigned } from "./certificate.ts";
import { testSite } from "./testing/test-site.ts";
import { openTls } from "./tls.ts";
import { keepTrialCertificate, keptTrialCertificate, trialCertificate } from "./trial-certificate.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-tls-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const day = 86_400_000;

async function filesFrom(from: Date, days: number) {
  const { cert, key } = selfSigned(["localhost"], from, days);
  const paths = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  await writeFile(paths.cert, cert);
  await writeFile(paths.key, key);
  return paths;
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "none",
    (error: { code: string }) => error.code,
  );

describe("a resumed trial", () => {
  const names = ["localhost", "127.0.0.1"];
  const begun = new Date("2026-11-01T10:00:00Z");
  const later = (days: number) => new Date(begun.getTime() + days * day);

  it("has the certificate that its clients have pinned, while it is valid for all names", async () => {
    const first = await openTls("self", names, undefined, begun);
    const again = (of: readonly string[], at: Date) => openTls("self", of, first, at);
    expect(await again(names, later(29))).toEqual(first);
    for (const renewed of [await again(names, later(31)), await again([...names, "192.0.2.1"], later(1))]) {
      expect(renewed.fingerprint).not.toBe(first.fingerprint);
      expect(renewed.warning).toContain("new fingerprint");
    }
  });

  it("gets a new certificate where the old one is damaged, with a warning", async () => {
    const { run, remove } = await testSite();
    const { folder: runFolder } = run.folder;
    const first = await openTls("self", names);
    const other = await openTls("self", names);
    const damaged = ["", "no certificate", first.cert, first.cert + other.key, first.cert.slice(9) + first.key];
    damaged.push(first.cert + first.key.slice(0, 80), "x".repeat(70_000));
    for (const text of damaged) {
      await writeFile(join(runFolder, "trial-tls.pem"), text);
      const kept = await keptTrialCertificate(run.folder);
      expect(kept).toBe("damaged");
      const renewed = await openTls("self", names, kept);
      expect(renewed.fingerprint).not.toBe(first.fingerprint);
      expect(renewed.warning).toContain("the file of the old one is damaged. Clients have to join again");
    }
    await remove();
  });
});

it("the certificate of a trial is kept with its run, for this user alone", async () => {
  const { run, remove } = await testSite();
  expect(await keptTrialCertificate(run.folder)).toBeUndefined();
  const made = trialCertificate(undefined, ["localhost"], new Date());
  await keepTrialCertificate(run.folder, made);
  expect(await keptTrialCertificate(run.folder)).toEqual(made);
  expect((await stat(join(run.folder.folder, "trial-tls.pem"))).mode & 0o777).toBe(0o600);
  await remove();
});

describe("a certificate made for a trial", () => {
  const names = ["localhost", "127.0.0.1", "::1", "2001:db8::5:1", "federation.example.org"];
  const { cert, key } = selfSigned(names, new Date("2026-11-29T10:00:00Z"), 30);
  const certificate = new X509Certificate(cert);

  it("is for all its names and addresses, and for servers alone", () => {
    expect(certificate.subjectAltName).toBe(
      "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:0:5:1, DNS:federation.example.org",
    );
    expect(certificate.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(certificate.checkHost("other.example.org")).toBeUndefined();
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  });

  it("is signed by its own key, and valid from a day before", () => {
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.validFromDate.toISOString()).toBe("2026-11-28T10:00:00.000Z");
    expect(certificate.validToDate.toISOString()).toBe("2026-12-29T10:00:00.000Z");
    expect(key).toContain("BEGIN PRIVATE KEY");
  });

  it("has another serial number and key each time", () => {
    const other = new X509Certificate(selfSigned(names, new Date(), 30).cert);
    expect(other.serialNumber).not.toBe(certificate.serialNumber);
    expect(other.fingerprint256).not.toBe(certificate.fingerprint256);
  });

  it.skipIf(!hasOpenssl())("is read by openssl", async () => {
    const paths = await filesFrom(new Date(), 30);
    const text = execFileSync("openssl", ["x509", "-in", paths.cert, "-noout", "-text"], { encoding: "utf8" });
    expect(text).toContain("ecdsa-with-SHA256");
    expect(execFileSync("openssl", ["verify", "-CAfile", paths.cert, paths.cert], { encoding: "utf8" })).toContain(
      "OK",
    );
  });
});

describe("certificates from files", () => {
  it("are used, with a warning where they expire soon", async () => {
    const paths = await filesFrom(new Date(Date.now() - 20 * day), 30);
    const { warning, isTrial } = await openTls(paths, []);
    expect(isTrial).toBe(false);
    expect(warning).toMatch(/^The certificate expires in 9 days/);
    expect((await openTls(await filesFrom(new Date(), 300), [])).warning).toBeUndefined();
  });

  it("are refused where clients would refuse them", async () => {
    expect(await codeOf(openTls(await filesFrom(new Date(Date.now() - 40 * day), 30), []))).toBe("tls/expired");
    expect(await codeOf(openTls(await filesFrom(new Date(Date.now() + 2 * day), 30), []))).toBe("tls/not-yet-valid");
  });

  it("are refused where they cannot be read or do not belong together", async () => {
    const paths = await filesFrom(new Date(), 30);
    expect(await codeOf(openTls({ ...paths, cert: join(folder, "none.pem") }, []))).toBe("tls/unreadable");
    const garbage = join(folder, "garbage.pem");
    await writeFile(garbage, "no certificate");
    expect(await codeOf(openTls({ ...paths, cert: garbage }, []))).toBe("tls/invalid");
    await writeFile(garbage, selfSigned(["localhost"], new Date(), 1).key);
    expect(await codeOf(openTls({ ...paths, key: garbage }, []))).toBe("tls/invalid");
  });
});

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"]);
    return true;
  } catch {
    return false;
  }
}
