/** A chart as plain data: what is drawn, in the units of its axes. It is drawn in Node and once more in the reader's browser. */
export interface Plot {
  readonly x: Axis;
  readonly y: Axis;
  readonly legend: readonly LegendEntry[];
  readonly marks: readonly Mark[];
}

export interface Axis {
  readonly label: string;
  /** Ends of the axis; where they are missing, the data decide. */
  readonly min?: number;
  readonly max?: number;
  /** Only integers are written at ticks. */
  readonly integer?: boolean;
  /** Names of categories 0, 1, ... in place of numbers; y axes count them from the top. */
  readonly names?: readonly string[];
}

/** A colour by its name in `COLOURS`, such as `s0`. */
export type Colour = string;

export interface LegendEntry {
  readonly name: string;
  readonly colour: Colour;
}

export type Dash = "solid" | "dashed" | "dotted";

export type Mark = Line | Bars | Cells | Ring | Rule | GraphMark;

/** A curve, broken where y is null. */
export interface Line {
  readonly kind: "line";
  readonly name: string;
  readonly colour: Colour;
  readonly dash: Dash;
  readonly points: readonly (readonly [x: number, y: number | null])[];
  /** Lower and upper edge of a band around the curve, one of each for every point. */
  readonly band?: readonly (readonly [low: number, high: number] | null)[];
}

/** One layer of stacked bars, a value for each category of the axis that has names. */
export interface Bars {
  readonly kind: "bars";
  readonly name: string;
  readonly colour: Colour;
  readonly values: readonly number[];
}

/** A table of counts in shades, by category of x and of y. */
export interface Cells {
  readonly kind: "cells";
  readonly unit: string;
  readonly cells: readonly (readonly [x: number, y: number, count: number])[];
}

/** A ring around a point, with a text in the chart's upper right corner; `short` where the chart is narrow. */
export interface Ring {
  readonly short: string;
  readonly kind: "ring";
  readonly x: number;
  readonly y: number;
  readonly colour: Colour;
  readonly text: string;
}

/** Nodes and the edges between them, by place of a node; it has the chart to itself, without axes. */
export interface GraphMark {
  readonly kind: "graph";
  /** In a circle of radius 1; shaded by value. */
  readonly nodes: readonly { readonly x: number; readonly y: number; readonly value: number }[];
  readonly edges: readonly (readonly [number, number])[];
}

/** A dashed line across the chart. */
export interface Rule {
  readonly kind: "rule";
  readonly y: number;
  readonly text: string;
}

/** What of a plot is seen. */
export interface View {
  /** In CSS pixels. */
  readonly width: number;
  /** Part of the x axis. */
  readonly from?: number;
  readonly to?: number;
  /** Whether curves are means over neighbouring points. */
  readonly smooth?: boolean;
}

/** A drawn plot, and where its axes are: a rectangle in pixels, and the ends of the axes. */
export interface Drawn {
  readonly svg: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}
