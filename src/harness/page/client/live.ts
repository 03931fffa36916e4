// The page of a run that is under way: takes what the harness sends once a second, until the run is over.

import type { LiveEvent, PageData } from './chart-data.ts';
import { morph } from './morph.ts';

/** The parts of the page that are made again. */
const PARTS = ['header.page', 'nav', 'main'];

/** @param show draws the charts, whose places are on the page. */
export function followRun(show: (data: PageData) => void): void {
  const events = new EventSource('/events');
  events.addEventListener('message', ({ data }) => {
    const { title, body, data: charts, isOver } = JSON.parse(data as string) as LiveEvent;
    if (isOver) events.close();
    document.title = title;
    const next = new DOMParser().parseFromString(body, 'text/html');
    for (const part of PARTS) morph(document.querySelector(part) as Element, next.querySelector(part) as Element);
    show(charts);
  });
  events.addEventListener('error', () => {
    events.close();
    sayThatItIsLost();
  });
}

/** The run was killed, or its machine went to sleep. */
function sayThatItIsLost(): void {
  const alarm = document.createElement('p');
  alarm.className = 'alarm';
  alarm.role = 'alert';
  alarm.textContent = 'The connection to the run was lost: this is what was known then. Its result folder may hold more.';
  document.querySelector('main')?.prepend(alarm);
}
