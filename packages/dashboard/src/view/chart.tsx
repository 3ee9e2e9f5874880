import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { ChartTable } from "./chart-table.tsx";
import type { Line } from "./line.ts";

interface Props {
  readonly title: string;
  /** x of all lines. */
  readonly rounds: readonly number[];
  readonly lines: readonly Line[];
}

const height = 240;

/** Curves over rounds. People who cannot see it get a table, and the newest values as text. */
export function Chart({ title, rounds, lines }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const newest = useRef<uPlot.AlignedData>([[]]);
  newest.current = dataOf(rounds, lines);
  const names = lines.map(({ name }) => name).join();
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(lines, place.current!.clientWidth), newest.current, place.current!);
    };
    draw();
    const resized = new ResizeObserver(([entry]) => plot.current?.setSize({ width: entry!.contentRect.width, height }));
    resized.observe(place.current!);
    dark.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener("change", draw);
      plot.current?.destroy();
    };
    // drawn anew for other lines; new values are set below
  }, [names]);
  useEffect(() => {
    plot.current?.setData(newest.current);
  });

  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      <div class="chart" ref={place} aria-hidden="true" />
      <p class="hidden-text">{lines.map(summary).join(" ")}</p>
      <ChartTable title={title} rounds={rounds} lines={lines} />
    </section>
  );
}

function dataOf(rounds: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [[...rounds], ...lines.map(({ values }) => values.map((value) => (Number.isFinite(value) ? value : null)))];
}

function optionsOf(lines: readonly Line[], width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: colour("--soft"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
  return {
    width,
    height,
    scales: { x: { time: false } },
    axes: [
      { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] },
      { ...axis, size: 56 },
    ],
    series: [
      { label: "Round" },
      ...lines.map(({ name, colour: of }) => ({
        label: name,
        stroke: colour(of),
        width: 2,
        spanGaps: true,
        points: { size: 6, fill: colour(of) },
        // a log that was cut has fewer values than the cursor knew
        value: (_: uPlot, value: number | null | undefined) => value?.toFixed(4) ?? "–",
      })),
    ],
    hooks: { ready: [showNewest], setLegend: [showNewest] },
    cursor: { drag: { setScale: false, x: false, y: false } },
  };
}

/** The newest values, until the cursor is over others. */
function showNewest(plot: uPlot): void {
  const last = plot.data[0].length - 1;
  if (last >= 0 && (plot.cursor.left ?? -1) < 0) plot.setLegend({ idx: last }, false);
}

function summary({ name, values }: Line): string {
  const last = values.findLast(Number.isFinite);
  return last === undefined ? `${name}: nothing measured yet.` : `${name}: ${last.toFixed(4)} at last.`;
}
