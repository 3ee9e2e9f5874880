import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderEvent } from "@anabranch/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { exampleEvents } from "../store/example-events.ts";
import { createRunFolder } from "../store/run-folder.ts";
import { TestS3, testKey } from "../store/s3/testing/s3-server.ts";
import { callCommand } from "./testing/call-command.ts";

let folder: string;
let s3: TestS3;
let id: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-rm-"));
  s3 = await TestS3.open();
  vi.stubEnv("AWS_ACCESS_KEY_ID", testKey.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", testKey.secretAccessKey);
  const run = await createRunFolder({ root: join(folder, "runs"), name: "live" });
  id = run.id;
  await writeFile(run.paths.config, 'name = "live"\n');
  await writeFile(run.paths.events, exampleEvents({ rounds: 1, run: id }).map(renderEvent).join("\n"));
  await writeFile(join(run.folder, "blobs.json"), JSON.stringify({ blobs: s3.address() }));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await s3.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const remove = (...args: readonly string[]) => callCommand("rm", id, "--yes", "--runs", join(folder, "runs"), ...args);

describe("rm of a run whose blobs lie in S3", () => {
  it("deletes none of them, counts them and shows how to", async () => {
    const key = `runs/${id}/blobs/${"0".repeat(64)}`;
    s3.objects.set(key, Buffer.from("a model"));
    const { code, stdout } = await remove();
    expect(code).toBe(0);
    expect(stdout).toContain(`1 object of run ${id} at s3://bucket/runs/${id}/`);
    expect(stdout).toContain(
      `aws s3 rm --recursive s3://bucket/runs/${id}/ --endpoint-url ${s3.address().split("endpoint=")[1]}`,
    );
    expect([...s3.objects.keys()]).toEqual([key]);
  });

  it("shows nothing where none is left", async () => {
    expect(JSON.parse((await remove("--json")).stdout)).toMatchObject({ remaining: [] });
  });

  it("says that they were not counted where the storage is not reached", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "");
    const { code, stdout } = await remove("--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).remaining).toMatchObject([{ run: id, address: `s3://bucket/runs/${id}/` }]);
    expect(JSON.parse(stdout).remaining[0]).not.toHaveProperty("objects");
  });
});
