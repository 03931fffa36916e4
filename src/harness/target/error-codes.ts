// Which codes the errors of a scenario can have, as far as that is known before it runs.

import { ERRORS } from '../../system/rpc/errors.ts';
import { CUT_OFF } from '../load/virtual-users.ts';
import { didYouMean } from '../scenario/did-you-mean.ts';
import { type ScenarioData, speaksEtcd, type ValidTarget, type ValidWorkload } from '../scenario/valid-scenario.ts';

const CODES: readonly string[] = [...Object.keys(ERRORS), CUT_OFF];

/**
 * The thresholds that name a code which no operation of theirs can have, and which would hold whatever happens. Functions, HTTP
 * and gRPC services and other systems have codes of their own: there any is let through.
 */
export function codeProblems({ name, thresholds, loads, target }: ScenarioData): string[] {
  return thresholds.flatMap(({ metric, selector: { tags } }) => {
    const { code } = tags;
    const ofLoads = Object.entries(loads).filter(([load]) => tags.load === undefined || load === tags.load);
    if (code === undefined || CODES.includes(code) || ofLoads.some(([, { workload }]) => hasOwnCodes(workload, target)))
      return [];
    const suggestion = didYouMean(code, CODES) || `; there are ${CODES.join(', ')}`;
    return [`${name}: thresholds['${metric}'] names the code '${code}', which no error has${suggestion}`];
  });
}

function hasOwnCodes({ kind }: ValidWorkload, target: ValidTarget): boolean {
  return speaksEtcd(target) || kind === 'function' || kind === 'http' || kind === 'grpc';
}
