import { LivePlot } from "./live-plot.ts";
import type { Plot } from "./plot.ts";

/** Runs in the reader's browser: draws every chart at the width it has there, and shows which tables are wider. */
export function enliven(): void {
  const plots: Plot[] = JSON.parse(document.getElementById("plots")!.textContent!);
  const smooth = document.getElementById("smooth") as HTMLInputElement | null;
  if (smooth !== null) smooth.closest("label")!.hidden = false;
  for (const table of document.querySelectorAll<HTMLElement>(".scroll")) {
    const hint = table.previousElementSibling as HTMLElement | null;
    const update = () => {
      if (hint?.className === "hint") hint.style.display = table.scrollWidth > table.clientWidth ? "block" : "none";
    };
    new ResizeObserver(update).observe(table);
  }
  for (const place of document.querySelectorAll<HTMLElement>("[data-plot]")) {
    new LivePlot(place, plots[Number(place.dataset["plot"])]!, smooth).start();
  }
}
