import { largest } from "@anabranch/engine";
import type { RunData } from "../run-data.ts";
import { type Chart, type ChartGroup, onlyRun } from "./chart.ts";

const [MAX_COLUMNS, MAX_ROWS] = [80, 40];

/** An update: whose, and from when to when its client had it, in simulated seconds. */
interface Span {
  readonly client: number;
  readonly from: number;
  readonly until: number;
}

/** When which client of an asynchronous run had work, as far as its rounds tell: from one round's end to another's. */
export const deviceTimeline: Chart = {
  id: "device-timeline",
  title: "Devices over simulated time",
  caption(groups) {
    const spans = spansOf(onlyRun(groups));
    const clients = new Set(spans.map(({ client }) => client)).size;
    const shown = clients > MAX_ROWS ? ` The first ${MAX_ROWS} are shown.` : "";
    return `Updates that ${clients} clients had under way, from the version that each began with to the round that took it.${shown}`;
  },
  plot(groups: readonly ChartGroup[]) {
    const spans = spansOf(onlyRun(groups));
    const end = largest(
      spans.map(({ until }) => until),
      0,
    );
    if (end <= 0) return undefined;
    const clients = [...new Set(spans.map(({ client }) => client))].sort((a, b) => a - b).slice(0, MAX_ROWS);
    const width = end / MAX_COLUMNS;
    const busy = clients.map(() => new Float64Array(MAX_COLUMNS));
    for (const { client, from, until } of spans) {
      const row = busy[clients.indexOf(client)];
      for (let x = Math.floor(from / width); row !== undefined && x < MAX_COLUMNS && x * width < until; x++) {
        row[x]! += Math.max(0, Math.min(until, (x + 1) * width) - Math.max(from, x * width)) / width;
      }
    }
    const cells = busy.flatMap((row, y) =>
      [...row].flatMap((share, x) => (share > 0 ? [[x, y, Number(Math.min(1, share).toPrecision(3))] as const] : [])),
    );
    return {
      x: {
        label: "simulated seconds",
        names: Array.from({ length: MAX_COLUMNS }, (_, x) => `${Math.round(x * width)}`),
      },
      y: { label: "client", names: clients.map((client) => `${client}`) },
      legend: [],
      marks: [{ kind: "cells", unit: "share of the time", cells }],
    };
  },
};

function spansOf(run: RunData | undefined): Span[] {
  const rounds = run?.rounds ?? [];
  const ends = new Map(rounds.map(({ round, simulatedSeconds = 0 }) => [round, simulatedSeconds]));
  return rounds.flatMap(({ round, updates = [] }) =>
    updates.map(([client, version]) => ({ client, from: ends.get(version - 1) ?? 0, until: ends.get(round)! })),
  );
}
