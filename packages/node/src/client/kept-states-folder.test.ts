import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AnabranchError } from "@anabranch/engine";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ClientFolder, openClientFolder } from "./client-folder.ts";
import { keptStatesIn } from "./kept-states-folder.ts";

let parent: string;
let folder: ClientFolder;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "anabranch-states-"));
  folder = await openClientFolder(parent);
});

afterEach(async () => {
  await folder.release();
  await rm(parent, { recursive: true });
});

const state = (value: number) => ({
  control: new Float32Array(1000).fill(value),
  moment: new Float64Array([value, -0]),
});
const stored = (run = "abc234") => readdir(join(parent, "states", run)).then((names) => names.sort());

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((reason: unknown) => reason);
  return error instanceof AnabranchError ? error.code : String(error);
}

describe("kept states", () => {
  it("come back as they were, by run and version, also to a client that was started again", async () => {
    const states = keptStatesIn(folder);
    expect(await states.load("abc234", 1)).toBeUndefined();
    await states.save("abc234", 1, state(1));
    await states.save("other", 1, state(2));
    expect(await states.load("abc234", 1)).toEqual(state(1));
    expect(await keptStatesIn(folder).load("other", 1)).toEqual(state(2));
  });

  it("are the newest, the one it was made from and the one before that", async () => {
    const states = keptStatesIn(folder);
    await states.save("abc234", 1, state(1));
    for (const version of [4, 6, 9]) {
      await states.load("abc234", version === 4 ? 1 : version === 6 ? 4 : 6);
      await states.save("abc234", version, state(version));
    }
    expect(await stored()).toEqual(["4.safetensors", "6.safetensors", "9.safetensors"]);
  });

  it("keep the one that counts while updates are refused", async () => {
    const states = keptStatesIn(folder);
    await states.save("abc234", 1, state(1));
    for (const version of [2, 3, 4, 5]) {
      expect(await states.load("abc234", 1)).toEqual(state(1));
      await states.save("abc234", version, state(version));
    }
    expect(await stored()).toEqual(["1.safetensors", "5.safetensors"]);
  });

  it("follow a server that goes back", async () => {
    const states = keptStatesIn(folder);
    await states.save("abc234", 1, state(1));
    for (const version of [2, 3]) {
      await states.load("abc234", version - 1);
      await states.save("abc234", version, state(version));
    }
    expect(await states.load("abc234", 1)).toEqual(state(1));
    await states.save("abc234", 2, state(20));
    expect(await states.load("abc234", 2)).toEqual(state(20));
    expect(await stored()).toEqual(["1.safetensors", "2.safetensors"]);
  });

  it("refuse damaged files and links", async () => {
    const states = keptStatesIn(folder);
    await states.save("abc234", 1, state(1));
    const path = join(parent, "states", "abc234", "1.safetensors");
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    expect(await codeOf(states.load("abc234", 1))).toBe("client-state/corrupt");
    await writeFile(path, bytes.subarray(0, 500));
    expect(await codeOf(states.load("abc234", 1))).toBe("client-state/truncated");
    await symlink(path, join(parent, "states", "abc234", "2.safetensors"));
    expect(await codeOf(states.load("abc234", 2))).toBe("store/link");
    await rm(join(parent, "states"), { recursive: true });
    await symlink(tmpdir(), join(parent, "states"));
    expect(await codeOf(states.save("abc234", 3, state(3)))).toBe("store/link");
  });

  it("are whole after a kill at any moment, and not older than what was reported", { timeout: 180_000 }, async () => {
    const script = fileURLToPath(new URL("./testing/states-process.ts", import.meta.url));
    await folder.release();
    let from = 0;
    for (let i = 0; i < 4; i++) {
      const child = fork(script, [parent, String(from)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
      let reported = from;
      child.on("message", (version: number) => {
        reported = version;
      });
      await once(child, "message");
      await sleep(Math.random() * 20);
      child.kill("SIGKILL");
      await once(child, "close");
      folder = await openClientFolder(parent);
      const states = keptStatesIn(folder);
      const versions = (await stored()).flatMap((name) => /^(\d+)\./.exec(name)?.[1] ?? []).map(Number);
      expect(versions).toContain(reported);
      for (const version of versions) expect(await states.load("abc234", version)).toEqual(state(version));
      from = Math.max(...versions);
      await folder.release();
    }
    expect(from).toBeGreaterThanOrEqual(4);
    folder = await openClientFolder(parent);
  });
});
