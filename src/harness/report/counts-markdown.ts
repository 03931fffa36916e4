// The deterministic counts that moved, as comparison and gate show them in markdown.

import { type CountComparison, perOperation } from '../result/comparison.ts';
import { code, grid } from './markdown.ts';

export function movedCountsGrid(moved: readonly CountComparison[]): string {
  return grid(
    ['count per operation', 'base', 'head', ''],
    moved.map(({ benchmark, count, base, head, verdict }) => [
      code(`${benchmark} ${count}`),
      perOperation(base),
      perOperation(head),
      verdict === 'more' ? '❌ more' : 'fewer',
    ]),
  );
}
