// The request of an http workload, ready to be sent: where to, and its bytes.

import { known } from '../../runtime/assert.ts';
import { ScenarioError } from '../scenario/options.ts';
import type { ValidHttp } from '../scenario/valid-scenario.ts';

/**
 * The whole URLs that a workload's requests go to, in turn: one, or one for each endpoint.
 * @param load names it in messages.
 * @throws ScenarioError when there is no endpoint, or one that no URL can be made of
 */
export function urlsOf(load: string, { url }: ValidHttp, httpEndpoints: readonly string[]): readonly [URL, ...URL[]] {
  const texts = url.startsWith('/') ? httpEndpoints.map((endpoint) => `http://${endpoint}${url}`) : [url];
  const urls = texts.map((text) => {
    const parsed = URL.parse(text);
    if (parsed === null) throw new ScenarioError([`loads.${load}.workload.url: '${text}' is not a URL`]);
    return parsed;
  });
  const [first, ...others] = urls;
  if (first === undefined)
    throw new ScenarioError([
      `loads.${load}.workload.url ('${url}') is a path, but the target has no HTTP endpoints: give a whole URL, or target.httpEndpoints`,
    ]);
  return [first, ...others];
}

/** Gives each in turn, from the first on. */
export function inTurn<T>(all: readonly T[]): () => T {
  let at = 0;
  return () => known(all[at++ % all.length], 'at least one to take turns');
}
