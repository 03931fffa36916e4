// Every query of a dashboard, wherever it stands: panels, variables, annotations.

import { type Dashboard, VariableType } from '@grafana/grafana-foundation-sdk/dashboard';
import { panelsOf } from '../dashboard.ts';

export interface PlacedQuery {
  /** For messages: 'Overview / Requests (A)'. */
  readonly place: string;
  readonly expr: string;
}

interface Target {
  readonly refId?: string;
  readonly expr?: string;
}

export function panelQueries(dashboard: Dashboard): PlacedQuery[] {
  return panelsOf(dashboard).flatMap(({ title = '', targets = [] }) =>
    (targets as readonly Target[]).map(({ refId = '', expr = '' }) => ({
      place: `${dashboard.title} / ${title} (${refId})`,
      expr,
    })),
  );
}

export function annotationQueries(dashboard: Dashboard): PlacedQuery[] {
  return (dashboard.annotations?.list ?? []).map(({ name, expr = '' }) => ({
    place: `${dashboard.title} / annotation ${name}`,
    expr,
  }));
}

export interface PlacedLabelQuery {
  readonly place: string;
  readonly metric: string;
  readonly label: string;
}

/** Of the variables that ask Prometheus: label_values(METRIC, LABEL). */
export function variableQueries(dashboard: Dashboard): PlacedLabelQuery[] {
  return (dashboard.templating?.list ?? [])
    .filter(({ type }) => type === VariableType.Query)
    .map(({ name, query }) => {
      const text = typeof query === 'string' ? query : String((query as Record<string, unknown> | undefined)?.['query']);
      const [, metric = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(text) ?? [];
      return { place: `${dashboard.title} / $${name}`, metric, label };
    });
}
