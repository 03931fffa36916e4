// What the page's charts are drawn from: written into the page by the harness, read from it by the browser code.

export type ColourName = 'p50' | 'p99' | 'max' | 'offered' | 'ok' | 'bad' | 'dropped' | Shade;
/** For series that differ only in their number. */
export type Shade = 'a' | 'b' | 'c' | 'd' | 'e';

export interface ChartSeries {
  readonly label: string;
  readonly colour: ColourName;
  readonly style: 'line' | 'area' | 'dashed' | 'thin';
  /** One for each of the chart's `at`; null where nothing was measured. */
  readonly values: readonly (number | null)[];
}

export interface ChartData {
  readonly title: string;
  /**
   * time: seconds from the start of the scenario. rarity: 1 / (1 - percentile), on a log axis: 100 is p99. rate: operations a second.
   * result: the number of a result, from 1.
   */
  readonly x: 'time' | 'rarity' | 'rate' | 'result';
  /** Of the results, in their order. */
  readonly names?: readonly string[];
  readonly unit: 'ms' | 'per second' | 'cores' | 'ns' | 'bytes' | 'per operation';
  /** Log for what spans decades. No value on a log axis is 0 or less. */
  readonly scale: 'linear' | 'log';
  readonly height: number;
  /** Ascending. */
  readonly at: readonly number[];
  readonly series: readonly ChartSeries[];
  /** The scenario whose moments are marked, and with whose other charts it shares its cursor and its zoom: an index of `groups`. */
  readonly group?: number;
  /** Whether the moments are also named. */
  readonly named?: boolean;
}

/** How many operations had which response time, over time: a column for each stretch of time, a row for each bucket of `Distribution`. */
export interface HeatMap {
  readonly title: string;
  readonly height: number;
  /** As of a chart. */
  readonly group: number;
  /** The middle of each column. */
  readonly at: readonly number[];
  /** Seconds that a column lasts: column n begins at n times as many. The last one may be shorter. */
  readonly columnS: number;
  /** For each column its distribution, encoded; empty where nothing ended. */
  readonly columns: readonly (readonly number[])[];
  /** The lowest and the highest bucket in which there is anything. */
  readonly lowest: number;
  readonly highest: number;
  /** The least count of each colour, ascending from 1, and the number of the colour. */
  readonly levels: readonly { readonly from: number; readonly colour: number }[];
}

/** All times are seconds from the start of the scenario. */
export interface Moments {
  readonly endS: number;
  readonly warmupEndS: number;
  readonly faults: readonly { readonly fromS: number; readonly toS: number; readonly label: string }[];
  readonly leaders: readonly { readonly atS: number; readonly label: string }[];
}

export interface PageData {
  readonly groups: readonly Moments[];
  readonly charts: readonly ChartData[];
  readonly heatMaps: readonly HeatMap[];
  /** Whether the run is under way, and more is to be had from where the page came from. */
  readonly isLive?: true;
}

/** The page of a run that is under way, once more. */
export interface LiveEvent {
  readonly title: string;
  /** HTML: the page without its scripts. */
  readonly body: string;
  readonly data: PageData;
  /** Whether it is the last one. */
  readonly isOver: boolean;
}

/** What is drawn now, read whenever it is needed: on the page of a run that is under way it changes. */
export interface Shown<T> {
  data: T;
  moments: Moments | undefined;
}
