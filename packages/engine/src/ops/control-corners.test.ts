import { describe, it } from "vitest";
import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import type { TensorTree } from "../graph/trace.ts";
import { checkExecutor, host, sample } from "../testing/check.ts";
import { sum } from "./broadcast.ts";
import { greater, logicalNot } from "./comparison.ts";
import { cond, scan } from "./control.ts";
import { add, exp, mul } from "./elementwise.ts";

type Inputs = Record<string, Tensor>;

const cases: Record<string, (i: Inputs) => TensorTree> = {
  "no carry": ({ x }) => scan((_: object, s: { x: Tensor }) => ({ carry: {}, output: { y: exp(s.x) } }), {}, { x: x! }),
  "no output": ({ x, a }) =>
    scan((c: { a: Tensor }, s: { x: Tensor }) => ({ carry: { a: add(c.a, s.x) }, output: {} }), { a: a! }, { x: x! }),
  "carries that change places, constants and slices of other types": ({ a, b, bytes, flags }) =>
    scan(
      (c: { a: Tensor; b: Tensor }, s: { bytes: Tensor; flag: Tensor }) => ({
        carry: { a: c.b, b: c.a },
        output: { three: constant(3), bytes: s.bytes, not: logicalNot(s.flag) },
      }),
      { a: a!, b: b! },
      { bytes: bytes!, flag: flags! },
    ),
  "two carries that start as one value": ({ a, x }) =>
    scan(
      (c: { a: Tensor; b: Tensor }, s: { x: Tensor }) => ({ carry: { a: add(c.a, s.x), b: mul(c.b, 2) }, output: {} }),
      { a: a!, b: a! },
      { x: x! },
    ),
  "outputs that are the carry, before and after, twice": ({ a, x }) =>
    scan(
      (c: { a: Tensor }, s: { x: Tensor }) => {
        const next = add(c.a, s.x);
        return { carry: { a: next }, output: { before: c.a, after: next, again: next } };
      },
      { a: a! },
      { x: x! },
    ),
};

const inputs = {
  x: sample([3, 2]),
  a: sample([2], { seed: 2 }),
  b: sample([2], { seed: 3 }),
  bytes: host("uint8", [3, 1], [1, 2, 255]),
  flags: host("bool", [3], [1, 0, 1]),
};

describe("scan with", () => {
  it.each(Object.entries(cases))("%s", async (name, fn) => {
    await checkExecutor(`scan with ${name}`, fn, inputs);
  });
});

it("a branch may use what the other one made", async () => {
  const fn = ({ x }: Inputs) => {
    let made = x!;
    const first = () => {
      made = exp(x!);
      return made;
    };
    return cond(greater(sum(x!), 0), first, () => mul(made, 2));
  };
  for (const shift of [-3, 3]) {
    await checkExecutor("cond, shared value", fn, { x: sample([3], { shift }) }, { gradients: false });
  }
});
