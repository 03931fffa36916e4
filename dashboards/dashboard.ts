// How our dashboards are made: what all of them share, and a panel as one call. The JSON under grafana/dashboards/ is made of these
// sources; dashboards.test.ts fails when it is not.

import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  MappingType,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  type ValueMapping,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as HeatmapBuilder, YAxisConfigBuilder } from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as StateTimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** A recorded run has these labels and a live system has not; '.*' also matches the absence of a label. */
const RECORDED = 'scenario=~"$scenario",run=~"$run"';

/** Matchers of the nodes that are chosen, and of the harness. */
export const NODES = `job="windtunnel-node",instance=~"$instance",${RECORDED}`;
export const HARNESS = `job="windtunnel-harness",${RECORDED}`;
/** Pools are in both. */
export const EVERYBODY = `job=~"windtunnel-.+",${RECORDED}`;

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const TAG = 'windtunnel';

export interface Query {
  readonly expr: string;
  /** Of its series: '{{instance}}'. */
  readonly legend: string;
  /** Shows traces of single requests as points, linked to Jaeger. */
  readonly exemplars?: true;
}

export interface PanelOptions {
  readonly title: string;
  /** What it shows, and what is good. */
  readonly description: string;
  /** A unit of Grafana: 's', 'reqps', 'bytes', 'short'. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Columns of 24. */
  readonly width?: number;
}

/** Lines over time. @param max where the scale ends, for shares of a whole. */
export function graph(options: PanelOptions, { max }: { readonly max?: number } = {}): Builder<Panel> {
  const panel = new TimeSeriesBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(DATASOURCE)
    .unit(options.unit)
    .min(0)
    .lineWidth(1)
    .fillOpacity(8)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .height(8)
    .span(options.width ?? 8)
    .targets(targetsOf(options));
  return max === undefined ? panel : panel.max(max);
}

/** The last value, large. */
export function stat(options: PanelOptions): Builder<Panel> {
  return new StatBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(DATASOURCE)
    .unit(options.unit)
    .graphMode(BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .height(4)
    .span(options.width ?? 4)
    .targets(targetsOf(options));
}

/** Which state each of several things was in; `states` by the value of the query. */
export function states(
  options: Omit<PanelOptions, 'unit'>,
  named: Readonly<Record<number, { readonly text: string; readonly color: string }>>,
): Builder<Panel> {
  const mapping: ValueMapping = { type: MappingType.ValueToText, options: { ...named } };
  return new StateTimelineBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(DATASOURCE)
    .unit('none')
    .mappings([mapping])
    .showValue(VisibilityMode.Auto)
    .mergeValues(true)
    .rowHeight(0.9)
    .fillOpacity(70)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(false)
        .calcs([]),
    )
    .height(8)
    .span(options.width ?? 12)
    .targets(targetsOf(options));
}

/** How many samples fell into each bucket of a histogram, over time. The one query sums the buckets by `le`. */
export function heatmap(options: PanelOptions): Builder<Panel> {
  return new HeatmapBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(DATASOURCE)
    .unit(options.unit)
    .calculate(false)
    .yAxis(new YAxisConfigBuilder().unit(options.unit))
    .height(8)
    .span(options.width ?? 8)
    .targets(targetsOf(options).map((target) => target.format(PromQueryFormat.Heatmap)));
}

/** A quantile of a histogram, by some labels. @param metric without '_bucket'. */
export function quantile(q: number, metric: string, matchers: string, by: readonly string[]): string {
  const labels = ['le', ...by].join(', ');
  return `histogram_quantile(${q}, sum by (${labels}) (rate(${metric}_bucket{${matchers}}[$__rate_interval])))`;
}

/** The mean of a histogram, by some labels. */
export function mean(metric: string, matchers: string, by: readonly string[]): string {
  const sum = (part: string) => `sum by (${by.join(', ')}) (rate(${metric}_${part}{${matchers}}[$__rate_interval]))`;
  return `${sum('sum')} / ${sum('count')}`;
}

/** How often a counter rises a second, by some labels. */
export function rate(metric: string, matchers: string, by: readonly string[]): string {
  const sum = by.length === 0 ? 'sum' : `sum by (${by.join(', ')})`;
  return `${sum} (rate(${metric}{${matchers}}[$__rate_interval]))`;
}

export interface BoardOptions {
  /** Part of its address; never changed, so that links keep working. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly Builder<Panel>[] }[];
}

export function board({ uid, title, description, rows }: BoardOptions): Dashboard {
  const dashboard = new DashboardBuilder(`Windtunnel / ${title}`)
    .uid(uid)
    .description(description)
    .tags([TAG])
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-15m', to: 'now' })
    .refresh('5s')
    .link(new DashboardLinkBuilder('Windtunnel').type(DashboardLinkType.Dashboards).tags([TAG]).includeVars(true).keepTime(true))
    .variables(variables())
    .annotations([faultWindows(), elections()]);
  for (const row of rows) {
    dashboard.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) dashboard.withPanel(panel);
  }
  const built = dashboard.build();
  // Links to single panels need an id that stays.
  for (const [at, panel] of (built.panels ?? []).entries()) panel.id = at + 1;
  return built;
}

function targetsOf({ queries }: Pick<PanelOptions, 'queries'>): DataqueryBuilder[] {
  return queries.map(({ expr, legend, exemplars }, at) =>
    new DataqueryBuilder()
      .refId(String.fromCharCode('A'.charCodeAt(0) + at))
      .datasource(DATASOURCE)
      .expr(expr)
      .legendFormat(legend)
      .range()
      .exemplar(exemplars === true),
  );
}

function variables() {
  return [
    new DatasourceVariableBuilder('datasource').label('Prometheus').description('Where the metrics are.').type('prometheus'),
    chosen('instance', 'Node', 'Nodes that are shown.', 'label_values(up{job="windtunnel-node"}, instance)'),
    chosen('scenario', 'Scenario', 'Of recorded runs; a live system has none.', 'label_values(up, scenario)'),
    chosen('run', 'Run', 'Recorded runs; a live system has none.', 'label_values(up, run)'),
  ];
}

function chosen(name: string, label: string, description: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    .query({ query, refId: name })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: 'All', value: '$__all' });
}

/** Grafana joins neighbouring points to a region, so a fault is shaded from its beginning to its end. */
function faultWindows(): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name('Faults')
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor('red')
    .expr(`max by (kind, target, scenario) (distributed_fault_active{${HARNESS}}) == 1`)
    .step('1s')
    .titleFormat('{{kind}} {{target}}')
    .textFormat('{{scenario}}')
    .tagKeys('kind,target');
}

/** Of the highest term, because that of a node that comes back is no news. */
function elections(): AnnotationQueryBuilder {
  const term = (offset: string) => `max by (scenario, run) (distributed_raft_term{${NODES}}${offset})`;
  return new AnnotationQueryBuilder()
    .name('Elections')
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor('blue')
    .expr(`${term('')} > ${term(' offset 1s')}`)
    .step('1s')
    .titleFormat('a new term')
    .textFormat('{{scenario}}')
    .tagKeys('scenario');
}

/** Every panel of a dashboard that has queries. */
export function panelsOf(dashboard: Dashboard): Panel[] {
  return (dashboard.panels ?? []).filter((panel): panel is Panel => 'targets' in panel);
}
