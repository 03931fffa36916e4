// Flags that the measuring commands have in common. Apart from what they do, which takes long to load: a wrong flag is told at once.

import { MAX_GENERATORS } from '../harness/scenario/validate.ts';
import { type Invocation, type OptionSpec, text, wholeNumber } from './command.ts';

export const SEED_OPTION: OptionSpec = {
  type: 'string',
  placeholder: 'N',
  description: 'repeats arrivals, keys and fault schedule of the run that printed it',
  defaultText: 'a fresh one',
};
export const GENERATORS_OPTION: OptionSpec = {
  type: 'string',
  placeholder: 'N',
  description: `how many threads issue the load, 1 to ${MAX_GENERATORS}`,
  defaultText: "the scenario's",
};
export const RESULTS_OPTION: OptionSpec = {
  type: 'string',
  placeholder: 'DIR',
  description: 'where the result folder is made',
  defaultText: 'results',
};
export const UI_OPTION: OptionSpec = {
  type: 'string',
  placeholder: 'PORT',
  valueIfMatches: /^\d+$/,
  description: 'show the page of the run while it is under way, on this machine only',
  defaultText: 'not shown; without PORT at one that is free',
};

/** @throws UsageError */
export function generatorsOf(invocation: Invocation): number | undefined {
  return wholeNumber(invocation, 'generators', 1, MAX_GENERATORS);
}

/** The port that was asked for, 0 for any; undefined when no page was. @throws UsageError */
export function uiPortOf(invocation: Invocation): number | undefined {
  return text(invocation, 'ui') === '' ? 0 : wholeNumber(invocation, 'ui', 0, 65_535);
}
