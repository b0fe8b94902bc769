/**
 * What a plot shows, as plain data: a page may draw it with anything, and the SVG files of Node are drawn from it. All of it
 * can be sent with `postMessage` or written as JSON.
 */
export interface PlotData {
  title: string;
  /** A sentence on how to read it, where that needs one. */
  caption?: string | undefined;
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
  /** Where the axis has its labels, if that is known. */
  ticks?: number[] | undefined;
  /** Names of the places of a category axis. */
  categories?: string[] | undefined;
  /** What lies at either end of an axis whose numbers say little by themselves, the outermost first. */
  ends?: [low: string[], high: string[]] | undefined;
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
  /** A label for each dot, those that matter most first; there may be no room for all. */
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

/** Uprights from low to high at each x, such as an estimate's standard error on either side of it. */
export interface RangeSeries {
  kind: 'ranges';
  name: string;
  tone: PlotTone;
  x: number[];
  low: number[];
  high: number[];
}

/** Box plots, one at each x: half of the values lie between the quartiles, nine in ten between the two percentiles. */
export interface BoxSeries {
  kind: 'boxes';
  name: string;
  tone: PlotTone;
  x: number[];
  percentile5: number[];
  firstQuartile: number[];
  median: number[];
  thirdQuartile: number[];
  percentile95: number[];
  /** How many values each box is made of. */
  n: number[];
}

/** One set of points, bars, uprights or boxes. */
export type PlotSeries = LineSeries | DotSeries | BarSeries | RangeSeries | BoxSeries;

/** A labelled point. */
export interface PlotMark {
  label: string;
  x: number;
  y: number;
  /** Default 'secondary'. */
  tone?: PlotTone | undefined;
}

/** A labelled line across the whole plot: upright at an x, or level at a y. */
export type PlotReference = { label: string; x: number } | { label: string; y: number };
