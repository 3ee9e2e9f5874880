import { fork } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AnabranchError } from "@anabranch/engine";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { openClientFolder } from "./client-folder.ts";
import { openIdentity } from "./identity-file.ts";

let parent: string;
let folder: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "anabranch-identity-"));
  folder = join(parent, "client");
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
});

/** The identity of the folder, as one start of a client has it. */
async function start() {
  const opened = await openClientFolder(folder);
  try {
    return await openIdentity(opened);
  } finally {
    await opened.release();
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof AnabranchError ? error.code : String(error);
}

describe("an identity", () => {
  it("is made once, for this user alone, and signs", async () => {
    const first = await start();
    const again = await start();
    expect(again).toMatchObject({ publicKey: first.publicKey, holdoutKey: first.holdoutKey });
    if (process.platform !== "win32") {
      expect((await stat(join(folder, "identity.json"))).mode & 0o777).toBe(0o600);
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
    }
    const message = new TextEncoder().encode("proof");
    const raw = Buffer.from(first.publicKey, "base64");
    const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
    expect(await crypto.subtle.verify("Ed25519", key, Uint8Array.from(await again.sign(message)), message)).toBe(true);
  });

  it("differs from client to client", async () => {
    const first = await start();
    folder = join(parent, "other");
    expect((await start()).publicKey).not.toBe(first.publicKey);
  });

  it("is used by one process at a time", async () => {
    const held = await openClientFolder(folder);
    const second = openClientFolder(folder);
    await expect(second).rejects.toThrow(`process ${process.pid}`);
    expect(await codeOf(second)).toBe("identity/locked");
    await held.release();
    expect((await start()).publicKey).toHaveLength(44);
  });

  it.skipIf(process.platform === "win32")("that others may read is refused", async () => {
    await start();
    await chmod(join(folder, "identity.json"), 0o640);
    expect(await codeOf(start())).toBe("client/identity-readable");
  });

  it.each([
    ["nothing", () => ""],
    ["a part of it", (text: string) => text.slice(0, 100)],
    ["another version", (text: string) => text.replace('"v": 1', '"v": 2')],
    ["no key", (text: string) => text.replace(/"privateKey": ".{20}/, '"privateKey": "AAAAAAAAAAAAAAAAAAAA')],
    ["another public key", (text: string) => text.replace(/("publicKey": ").{43}/, `$1${"A".repeat(43)}`)],
    ["a long file", (text: string) => text + " ".repeat(5000)],
  ])("whose file holds %s is refused, and left as it is", async (_what, change) => {
    await start();
    const path = join(folder, "identity.json");
    const changed = change(await readFile(path, "utf8"));
    await writeFile(path, changed);
    expect(await codeOf(start())).toBe("client/identity-damaged");
    expect(await readFile(path, "utf8")).toBe(changed);
  });

  it("behind a link is refused", async () => {
    const first = await start();
    expect(first.publicKey).toHaveLength(44);
    const moved = join(parent, "identity.json");
    await writeFile(moved, await readFile(join(folder, "identity.json")), { mode: 0o600 });
    await rm(join(folder, "identity.json"));
    await symlink(moved, join(folder, "identity.json"));
    expect(await codeOf(start())).toBe("store/link");
  });

  it("is whole or missing after a kill at any moment, and stays the same once it was seen", {
    timeout: 180_000,
  }, async () => {
    const script = fileURLToPath(new URL("./testing/identity-process.ts", import.meta.url));
    let known: string | undefined;
    for (let i = 0; i < 12; i++) {
      if (i % 4 === 3) {
        await rm(join(folder, "identity.json"), { force: true });
        known = undefined;
      }
      const child = fork(script, [folder], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
      let reported: string | undefined;
      child.on("message", (key: string) => {
        reported = key;
      });
      await once(child, "message"); // it is about to begin
      await sleep(i % 5 === 0 ? 30 : Math.random() * 8);
      child.kill("SIGKILL");
      await once(child, "close");
      const now = (await start()).publicKey;
      if (reported !== undefined && reported !== "begin") expect(now).toBe(reported);
      if (known !== undefined) expect(now).toBe(known);
      known = now;
      const left = (await readdir(folder)).filter((name) => !name.startsWith("identity.lock."));
      expect(left).toEqual(["identity.json"]);
    }
  });
});
