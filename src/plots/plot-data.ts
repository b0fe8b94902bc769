/**
 * What a plot shows, as plain data: a page may draw it with anything, and the SVG files of Node are drawn from it. All of it
 * can be sent with `postMessage` or written as JSON.
 */
export interface PlotData {
  title: string;
  x: PlotAxis;
  y: PlotAxis;
  /** The first is drawn first, below the others. */
  series: PlotSeries[];
  /** Labelled points, such as a rate that is suggested. */
  marks: PlotMark[];
  /** Lines to compare with. */
  references: PlotReference[];
}

/** An axis. */
export interface PlotAxis {
  label: string;
  /** On a category axis, places are 0, 1, ..., and `categories` names them. */
  scale: 'linear' | 'log' | 'category';
  /** Lowest and highest value to show; on a category axis half a place more on either side. */
  domain: [low: number, high: number];
  /** Names of the places of a category axis. */
  categories?: string[] | undefined;
}

/** What belongs together in one colour: what is looked for, what it is compared with, or what lies behind both. */
export type PlotTone = 'primary' | 'secondary' | 'muted';

/** Points joined in their order. All columns of a series are of one length, and hold finite numbers only. */
export interface LineSeries {
  kind: 'line';
  name: string;
  tone: PlotTone;
  x: number[];
  y: number[];
}

/** Points that stand alone. */
export interface DotSeries {
  kind: 'dots';
  name: string;
  tone: PlotTone;
  x: number[];
  y: number[];
  /** What the area of each dot is to be in proportion to, if they are not all alike. */
  sizes?: number[] | undefined;
  /** A label for each dot. */
  labels?: string[] | undefined;
}

/** Bars from 0 up to y, over [from, to] along x. */
export interface BarSeries {
  kind: 'bars';
  name: string;
  tone: PlotTone;
  from: number[];
  to: number[];
  y: number[];
}

/** Box plots (Tukey 1977), one at each x: the quartiles, and whiskers to the farthest values within 1.5 boxes of the box. */
export interface BoxSeries {
  kind: 'boxes';
  name: string;
  tone: PlotTone;
  x: number[];
  lowWhisker: number[];
  firstQuartile: number[];
  median: number[];
  thirdQuartile: number[];
  highWhisker: number[];
  /** How many values each box is made of. */
  n: number[];
}

/** One set of points, bars or boxes. */
export type PlotSeries = LineSeries | DotSeries | BarSeries | BoxSeries;

/** A labelled point. */
export interface PlotMark {
  label: string;
  x: number;
  y: number;
}

/** A labelled line across the whole plot: upright at an x, or level at a y. */
export type PlotReference = { label: string; x: number } | { label: string; y: number };
