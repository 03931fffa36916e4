// Numbers as columns of text.

import { known } from '../../runtime/assert.ts';

const BARS = '▁▂▃▄▅▆▇█';

/** @param share 0 for the lowest bar to 1 for the highest. */
export function bar(share: number): string {
  return known(BARS[Math.min(BARS.length - 1, Math.floor(share * BARS.length))], 'a share is from 0 to 1');
}
