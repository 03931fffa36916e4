// Where the browser code draws: a figure for each chart, with what a reader without a screen, a mouse or scripts needs.

import type { ChartData, Moments, PageData } from './client/chart-data.ts';
import { type Markup, markup, type Part } from './markup.ts';

/** Collects the charts of a page while its HTML is made. */
export class ChartPlaces {
  readonly #groups: Moments[] = [];
  readonly #charts: ChartData[] = [];

  get data(): PageData {
    return { groups: this.#groups, charts: this.#charts };
  }

  /** Charts with this number share their time axis. */
  addGroup(moments: Moments): number {
    return this.#groups.push(moments) - 1;
  }

  add(chart: ChartData, note?: Part): Markup {
    const index = this.#charts.push(chart) - 1;
    return markup`<figure class="chart" data-chart="${index}">
<figcaption><h4>${chart.title}</h4>${note !== undefined && markup`<span class="note">${note}</span>`}</figcaption>
<div class="legend"></div>
<div class="plot"></div>
<p class="unseen" aria-live="polite"></p>
<details class="numbers" data-numbers="${index}"><summary>Numbers<span class="unseen"> of the chart ${chart.title}</span></summary>
<div class="scroll tall" tabindex="0" role="region" aria-label="${`Numbers: ${chart.title}`}"></div></details>
</figure>`;
  }
}
