// The options of the nemesis.

import { z } from 'zod';
import { faultTemplate, validTemplate } from './fault-options.ts';
import { duration, durationRange, integer, options } from './options.ts';
import type { ValidNemesis } from './valid-scenario.ts';

const mixMessage = "must be a list of at least one fault such as { kind: 'crash', target: 'leader' }";

export const nemesis = options({
  mix: z.array(faultTemplate, mixMessage).min(1, mixMessage),
  every: durationRange(),
  lasts: durationRange(),
  seed: integer(0, Number.MAX_SAFE_INTEGER).optional(),
  from: duration({ zero: 'allowed' }).optional(),
  until: duration({ zero: 'refused' }).optional(),
});

export function validNemesis({ mix, from: fromMs, until: untilMs, ...same }: z.output<typeof nemesis>): ValidNemesis {
  return { ...same, mix: mix.map(validTemplate), fromMs, untilMs };
}
