import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { openLedger } from "../open-ledger.ts";

const script = fileURLToPath(new URL("./accept-loop.ts", import.meta.url));

/** Kills processes that accept updates, each at another moment, and looks each time for what they reported as accepted. */
export async function killAccepting(url: string, kills: number): Promise<{ reported: number; unreported: number }> {
  const reported: string[][] = [];
  for (let round = 1; round <= kills; round++) {
    const lines = await killedAfter(url, round, 1 + ((round * 37) % 60));
    const accepted = lines.slice(1).map((line) => line.split(" "));
    expect(lines[0]).toBe("open");
    expect(accepted.length).toBeGreaterThan(0);
    reported.push(...accepted);
    const ledger = await openLedger(url, "run");
    for (const [id = "", hash = "", answer] of reported) {
      expect(answer).toBe("accepted");
      expect(await ledger.order(id)).toMatchObject({ status: "accepted", hash });
      expect(await ledger.acceptUpdate(id, hash)).toBe("again");
    }
    await ledger.close();
  }
  const sequences = await sequencesOf(url, kills);
  // each once, and nothing between: also what was accepted and not reported any more
  expect(sequences.sort((a, b) => a - b)).toEqual(sequences.map((_, index) => index + 1));
  return { reported: reported.length, unreported: sequences.length - reported.length };
}

async function killedAfter(url: string, round: number, milliseconds: number): Promise<string[]> {
  const child = spawn(process.execPath, [script, url, "run", String(round)], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  const started = new Promise<void>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.includes("accepted")) resolve();
    });
  });
  const closed = once(child, "close");
  await Promise.race([started, closed]);
  await sleep(milliseconds);
  child.kill("SIGKILL");
  await closed;
  return output.split("\n").slice(0, -1);
}

async function sequencesOf(url: string, rounds: number): Promise<number[]> {
  const ledger = await openLedger(url, "run");
  const sequences: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (let client = 0; ; client++) {
      const order = await ledger.order(`${round}/${client}/0`);
      if (order === undefined && client % 4 === 0) break;
      if (order?.sequence !== undefined) sequences.push(order.sequence);
    }
  }
  await ledger.close();
  return sequences;
}
