import { expect, it } from "vitest";
import { Background } from "./background.ts";

it("lets a few pieces of work go on and waits for all at the end", async () => {
  const background = new Background(3);
  const done: (() => void)[] = [];
  let [begun, ended] = [0, 0];
  const work = async () => {
    begun++;
    await new Promise<void>((resolve) => done.push(resolve));
    ended++;
  };
  await background.add(work());
  await background.add(work());
  const third = background.add(work());
  done[1]!();
  await third;
  expect([begun, ended]).toEqual([3, 1]);
  done[0]!();
  done[2]!();
  await background.finish();
  expect(ended).toBe(3);
});

it("throws the first failure at the next call, and none goes unhandled", async () => {
  const background = new Background(4);
  await background.add(Promise.reject(new Error("first")));
  await background.add(Promise.resolve()).catch(() => {});
  await expect(background.add(Promise.reject(new Error("second")))).rejects.toThrow("first");
  await expect(background.finish()).rejects.toThrow("first");
});
