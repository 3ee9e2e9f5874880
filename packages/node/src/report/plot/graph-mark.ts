import type { Drawn, GraphMark } from "./plot.ts";

/** Nodes as discs, the darker the larger their value, over the lines that join them. */
export function drawGraph(mark: GraphMark, { left, right, top, bottom }: Omit<Drawn, "svg">): string {
  const { nodes, edges } = mark;
  const radius = Math.min(right - left, bottom - top) / 2;
  const disc = Math.max(3, Math.min(15, (2.2 * radius) / Math.max(1, nodes.length)));
  const inner = radius - disc - 2;
  const px = (x: number) => ((left + right) / 2 + x * inner).toFixed(1);
  const py = (y: number) => ((top + bottom) / 2 - y * inner).toFixed(1);
  const lines = edges.flatMap(([a, b]) => {
    const [from, to] = [nodes[a], nodes[b]];
    return from === undefined || to === undefined ? [] : `M${px(from.x)} ${py(from.y)}L${px(to.x)} ${py(to.y)}`;
  });
  const values = nodes.map(({ value }) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const share = (value: number) => (high > low ? (value - low) / (high - low) : 1);
  const discs = nodes.map(({ x, y, value }, node) => {
    const opacity = (0.1 + 0.9 * share(value)).toFixed(3);
    const light = share(value) < 0.5;
    const text =
      disc < 9
        ? ""
        : `<text x="${px(x)}" y="${(Number(py(y)) + 4).toFixed(1)}" text-anchor="middle" font-size="11" fill="var(--${light ? "ink" : "paper"})">${node}</text>`;
    const circle = `cx="${px(x)}" cy="${py(y)}" r="${disc.toFixed(1)}"`;
    return `<circle ${circle} fill="var(--paper)"/><circle ${circle} fill="var(--s0)" fill-opacity="${opacity}" stroke="var(--s0)"/>${text}`;
  });
  return `<path d="${lines.join("")}" fill="none" stroke="var(--axis)" stroke-opacity="0.7"/>${discs.join("")}`;
}
