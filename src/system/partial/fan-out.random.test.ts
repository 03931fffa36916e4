import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { answer, failure, run } from './testing/planned.ts';
import type { Plan } from './testing/planned.ts';

test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'random nodes: the result follows from the plans (seed %d)',
  async (seed) => {
    const random = new Random(seed);
    const timeoutMs = 100;
    const plans: Record<string, Plan> = {};
    // Distinct instants, so that the order of the answers is known.
    const instants = random.shuffle(Array.from({ length: 150 }, (_, at) => at + 1).filter((at) => at !== timeoutMs));
    const count = random.integer(1, 9);
    for (let at = 0; at < count; at++) {
      const afterMs = instants[at] as number;
      plans[`n${at}`] = random.chance(0.6) ? answer(afterMs, `v${at}`) : failure(afterMs, new Error(`e${at}`));
    }
    const quorum = random.integer(1, count);
    const returnEarly = random.chance(0.5);
    const { result, settledMs } = await run(plans, { quorum, timeoutMs, returnEarly });

    // What should come of it, from the plans alone.
    const inOrder = Object.entries(plans).sort(([, a], [, b]) => a.afterMs - b.afterMs);
    const answered: string[] = [];
    let failed = 0;
    let endMs = timeoutMs;
    for (const [node, plan] of inOrder) {
      if (plan.afterMs > timeoutMs) break;
      if ('value' in plan) answered.push(node);
      else failed++;
      const decided = answered.length >= quorum || failed > count - quorum;
      if (answered.length + failed === count || (returnEarly && decided)) {
        endMs = plan.afterMs;
        break;
      }
    }
    const kind = answered.length === count ? 'complete' : answered.length >= quorum ? 'partial' : 'failed';
    const seen = result.kind === 'failed' ? result.successfulNodes : [...result.data.keys()];
    expect({ kind: result.kind, settledMs, answered: seen }).toEqual({ kind, settledMs: endMs, answered: answered.sort() });
    expect(result.kind === 'complete' ? 0 : result.errors.size).toBe(count - answered.length);
  },
);
