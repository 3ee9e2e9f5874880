import { drawPlot } from "./draw.ts";
import type { Drawn, Plot } from "./plot.ts";
import { valuesAt } from "./values-at.ts";

/** A chart in the reader's browser, with values on hover, zoom and smoothing. Names in it are set as text alone. */
export class LivePlot {
  readonly place: HTMLElement;
  readonly plot: Plot;
  readonly smooth: HTMLInputElement | null;
  readonly drawing: HTMLElement;
  readonly cross: HTMLElement;
  readonly chosen: HTMLElement;
  readonly tip: HTMLElement;
  readonly whole: HTMLElement;
  range: { readonly from?: number; readonly to?: number } = {};
  drawn: Omit<Drawn, "svg"> | undefined;
  width = 0;
  /** Where a drag began, and where the pointer or the arrow keys are, in pixels of the drawing. */
  dragFrom: number | undefined;
  pointed = 0;

  constructor(place: HTMLElement, plot: Plot, smooth: HTMLInputElement | null) {
    this.place = place;
    this.plot = plot;
    this.smooth = smooth;
    this.drawing = place.querySelector<HTMLElement>(".drawing")!;
    this.cross = this.add("div", "cross");
    this.chosen = this.add("div", "chosen");
    this.tip = this.add("div", "tip");
    this.whole = this.add("button", "whole");
    this.tip.setAttribute("role", "status");
    this.whole.textContent = "Whole range";
  }

  add(tag: string, name: string): HTMLElement {
    const element = document.createElement(tag);
    element.className = name;
    element.hidden = true;
    return this.place.appendChild(element);
  }

  start(): void {
    const { drawing, plot } = this;
    const hasZoom = plot.x.names === undefined && plot.marks.some(({ kind }) => kind === "line");
    drawing.tabIndex = 0;
    drawing.addEventListener("pointerdown", (event) => {
      if (!hasZoom || event.button !== 0) return;
      this.dragFrom = this.placeOf(event).x;
      drawing.setPointerCapture(event.pointerId);
    });
    drawing.addEventListener("pointermove", (event) => this.move(event));
    drawing.addEventListener("pointerup", (event) => this.end(event));
    drawing.addEventListener("pointercancel", () => {
      this.dragFrom = undefined;
      this.chosen.hidden = true;
    });
    drawing.addEventListener("pointerleave", () => this.hide());
    drawing.addEventListener("keydown", (event) => this.key(event));
    drawing.addEventListener("dblclick", () => this.zoom({}));
    this.whole.addEventListener("click", () => this.zoom({}));
    this.smooth?.addEventListener("change", () => this.draw());
    new ResizeObserver(() => {
      if (this.place.clientWidth !== this.width) this.draw();
    }).observe(this.place);
  }

  draw(): void {
    this.width = this.place.clientWidth;
    if (this.width === 0) return;
    const view = { width: this.width, ...this.range, smooth: this.smooth?.checked === true };
    const { svg, ...frame } = drawPlot(this.plot, view);
    this.drawing.innerHTML = svg;
    this.drawn = frame;
    this.whole.hidden = this.range.from === undefined;
    this.hide();
  }

  zoom(range: { readonly from?: number; readonly to?: number }): void {
    this.range = range;
    this.draw();
  }

  hide(): void {
    this.tip.hidden = true;
    this.cross.hidden = true;
  }

  show(x: number, y: number): void {
    const { drawn, tip, cross, width } = this;
    const shown = drawn && valuesAt(this.plot, drawn, x, y);
    if (drawn === undefined || shown === undefined || x < drawn.left - 6 || x > drawn.right + 6) {
      this.hide();
      return;
    }
    const title = document.createElement("b");
    title.textContent = shown.title;
    const rows = shown.rows.map(({ name, colour, value }) => {
      const row = document.createElement("span");
      const key = document.createElement("i");
      key.style.background = `var(--${colour})`;
      row.append(key, `${name}: ${value}`);
      return row;
    });
    tip.replaceChildren(title, ...rows);
    tip.hidden = false;
    cross.hidden = false;
    cross.style.cssText = `left:${shown.at}px;top:${drawn.top}px;height:${drawn.bottom - drawn.top}px`;
    const side = shown.at > width / 2 ? `right:${width - shown.at + 10}px` : `left:${shown.at + 10}px`;
    tip.style.cssText = `${side};top:${drawn.top}px`;
  }

  placeOf(event: PointerEvent): { readonly x: number; readonly y: number } {
    const box = this.drawing.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  move(event: PointerEvent): void {
    const { x, y } = this.placeOf(event);
    this.pointed = x;
    this.show(x, y);
    if (this.dragFrom === undefined || this.drawn === undefined) return;
    const { left, right, top, bottom } = this.drawn;
    const inside = (at: number) => Math.min(Math.max(at, left), right);
    const [low, high] = [inside(Math.min(this.dragFrom, x)), inside(Math.max(this.dragFrom, x))];
    this.chosen.hidden = high - low < 8;
    this.chosen.style.cssText = `left:${low}px;width:${high - low}px;top:${top}px;height:${bottom - top}px`;
  }

  end(event: PointerEvent): void {
    if (this.dragFrom !== undefined && this.drawn !== undefined && !this.chosen.hidden) {
      const { left, right, x } = this.drawn;
      const inverse = (at: number) =>
        x[0] + ((Math.min(Math.max(at, left), right) - left) / (right - left)) * (x[1] - x[0]);
      const [a, b] = [inverse(this.dragFrom), inverse(this.placeOf(event).x)];
      this.chosen.hidden = true;
      this.zoom({ from: Math.min(a, b), to: Math.max(a, b) });
    }
    this.dragFrom = undefined;
  }

  key(event: KeyboardEvent): void {
    const { drawn } = this;
    if (drawn === undefined || !["ArrowLeft", "ArrowRight", "Escape"].includes(event.key)) return;
    event.preventDefault();
    if (event.key === "Escape") {
      this.hide();
      return;
    }
    const step = (drawn.right - drawn.left) / 40;
    const next = this.pointed + (event.key === "ArrowLeft" ? -step : step);
    this.pointed = Math.min(Math.max(next, drawn.left), drawn.right);
    this.show(this.pointed, (drawn.top + drawn.bottom) / 2);
  }
}
