import { largest } from "@anabranch/engine";
import { seriesColour } from "../plot/colours.ts";
import type { RunData } from "../run-data.ts";
import { type Chart, type ChartGroup, onlyRun } from "./chart.ts";

/** Bars of the histogram; the last one is of all older updates. */
const MAX_BARS = 40;

/** How many versions old the updates of an asynchronous run were. */
export const stalenessHistogram: Chart = {
  id: "staleness",
  title: "Staleness of updates",
  caption(groups) {
    const ages = agesOf(onlyRun(groups));
    const mean = ages.reduce((sum, age) => sum + age, 0) / Math.max(1, ages.length);
    return `${ages.length} updates by the versions of the model since the one that they were trained on; mean ${mean.toFixed(2)}.`;
  },
  plot(groups: readonly ChartGroup[]) {
    const ages = agesOf(onlyRun(groups));
    if (ages.length === 0) return undefined;
    const last = Math.min(MAX_BARS - 1, largest(ages));
    const counts = Array.from({ length: last + 1 }, () => 0);
    for (const age of ages) counts[Math.min(age, last)]!++;
    const names = counts.map((_, age) => (age === MAX_BARS - 1 ? `${age}+` : `${age}`));
    const bars = { kind: "bars", name: "updates", colour: seriesColour(0), values: counts } as const;
    return { x: { label: "versions", names }, y: { label: "updates", min: 0 }, legend: [], marks: [bars] };
  },
};

function agesOf(run: RunData | undefined): number[] {
  const rounds = run?.rounds ?? [];
  return rounds.flatMap(({ round, updates = [] }) => updates.map(([, version]) => round - version));
}
