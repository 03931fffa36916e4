// Where the browser code draws: a figure for each chart, with what a reader without a screen, a mouse or scripts needs.

import type { ChartData, HeatMap, Moments, PageData } from './client/chart-data.ts';
import { type Markup, markup, type Part } from './markup.ts';

/** Collects the charts of a page while its HTML is made. */
export class ChartPlaces {
  readonly #groups: Moments[] = [];
  readonly #charts: ChartData[] = [];
  readonly #heatMaps: HeatMap[] = [];

  get data(): PageData {
    return { groups: this.#groups, charts: this.#charts, heatMaps: this.#heatMaps };
  }

  /** Charts with this number share their time axis. */
  addGroup(moments: Moments): number {
    return this.#groups.push(moments) - 1;
  }

  add(chart: ChartData, note?: Part): Markup {
    return figure(chart.title, markup`data-chart="${this.#charts.push(chart) - 1}"`, note);
  }

  addHeatMap(map: HeatMap, note: Part): Markup {
    return figure(map.title, markup`data-heat="${this.#heatMaps.push(map) - 1}"`, note);
  }
}

function figure(title: string, data: Markup, note: Part): Markup {
  return markup`<figure class="chart" ${data} data-title="${title}">
<figcaption><h4>${title}</h4>${note !== undefined && markup`<span class="note">${note}</span>`}</figcaption>
<div class="legend"></div>
<div class="plot"></div>
<p class="unseen" aria-live="polite"></p>
<details class="numbers"><summary>Numbers<span class="unseen"> of the chart ${title}</span></summary>
<div class="scroll tall" tabindex="0" role="region" aria-label="${`Numbers: ${title}`}"></div></details>
</figure>`;
}
