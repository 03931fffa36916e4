import { describe, expect, test } from 'vitest';
import { checkAcknowledgedWrites } from './acknowledged-writes.ts';
import { HistoryStructureError, pairOperations } from './operation.ts';
import { explainAcknowledgedWrites } from './render.ts';
import { transcript } from './testing/transcript.ts';

/** 1 and 2 are acknowledged, 3 failed, 4 and 5 are unknown. */
const ADDS = `
  0 invoke add 1
  0 ok
  0 invoke add 2
  0 ok
  0 invoke add 3
  0 fail refused
  0 invoke add 4
  0 info timeout
  0 invoke add 5`;

async function check(text: string) {
  return checkAcknowledgedWrites(await pairOperations(transcript(text)));
}

describe('acknowledged writes', () => {
  test('all there, one unknown among them', async () => {
    const result = await check(`${ADDS} \n 9 invoke read-all \n 9 ok [2, 4, 1]`);
    expect(result).toMatchObject({
      verdict: 'valid',
      counts: { attempted: 5, acknowledged: 2, unknown: 2, lost: 0, recovered: 1, phantom: 0, unexpected: 0, duplicated: 0 },
    });
    expect(explainAcknowledgedWrites(result)).toBe(
      'valid: every acknowledged add survived\n  5 attempted, 2 acknowledged, 0 lost, 2 unknown of which 1 survived',
    );
  });

  test.each([
    ['lost', '[1]', '1 lost (2)'],
    ['phantom', '[1, 2, 3]', '1 phantom (3)'],
    ['unexpected', '[1, 2, "2"]', '1 unexpected ("2")'],
    ['duplicated', '[1, 2, 1]', '1 duplicated (1)'],
    ['lost', '[]', '2 lost (1, 2)'],
  ])('%s: %s', async (kind, seen, reason) => {
    const result = await check(`${ADDS} \n 9 invoke read-all \n 9 ok ${seen}`);
    expect(result).toMatchObject({ verdict: 'violated', reason, counts: { [kind]: Number(reason[0]) } });
    expect(explainAcknowledgedWrites(result)).toContain(`violated: ${reason}\n`);
  });

  test('a violation tells of every add in question when it was, and of the final read', async () => {
    const result = await check(`${ADDS} \n 9 invoke read-all \n 9 ok [1, 3, "x"]`);
    expect(explainAcknowledgedWrites(result).split('\n').slice(2)).toEqual([
      '  event 2, 2us .. 3us, process 0: add 2, acknowledged, but not in the final read',
      '  event 4, 4us .. 5us, process 0: add 3, in the final read although it definitely failed, fail (refused)',
      '  "x", in the final read although nobody added it',
      '  event 9, 9us .. 10us, process 9: the final read-all, of 3 elements',
    ]);
  });

  test('all kinds at once are all told, with at most ten elements each', async () => {
    const many = Array.from({ length: 12 }, (_, at) => `${at} invoke add ${at} \n ${at} ok`).join('\n');
    const result = await check(`${many} \n 9 invoke read-all \n 9 ok [99, 99]`);
    expect(result).toMatchObject({
      reason: '12 lost (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...); 1 unexpected (99); 1 duplicated (99)',
      samples: { lost: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] },
    });
  });

  test('the last successful read counts; an add that returned after it was invoked may be missing', async () => {
    const early = '9 invoke read-all \n 9 ok []';
    const late = '1 invoke add 6 \n 9 invoke read-all \n 1 ok \n 9 ok [1, 2] \n 9 invoke read-all \n 9 info timeout';
    expect(await check(`${early} \n ${ADDS} \n ${late}`)).toMatchObject({
      verdict: 'valid',
      counts: { acknowledged: 3, lost: 0 },
    });
  });

  test('without a final read or an acknowledged add nothing is known', async () => {
    expect(await check(ADDS)).toMatchObject({
      verdict: 'unknown',
      reason: 'no final read-all succeeded',
      counts: { acknowledged: 2, lost: 0 },
    });
    expect(await check(`${ADDS} \n 9 invoke read-all \n 9 fail`)).toMatchObject({ verdict: 'unknown' });
    expect(await check('0 invoke add 1 \n 0 info \n 9 invoke read-all \n 9 ok [1]')).toMatchObject({
      verdict: 'unknown',
      reason: 'no add was acknowledged',
    });
    expect(await check('')).toMatchObject({ verdict: 'unknown' });
  });

  test.each([
    [
      '0 invoke add 1 \n 0 ok \n 0 invoke add 1 \n 0 ok',
      'event 2: element 1 was added before (event 0); elements must be unique',
    ],
    ['0 invoke remove 1', 'event 0: a set has add and read-all, not remove'],
    ['0 invoke read-all \n 0 ok 3', 'event 0: read-all must answer an array, not 3'],
  ])('refuses %j', async (text, message) => {
    await expect(check(text)).rejects.toThrow(message);
    await expect(check(text)).rejects.toBeInstanceOf(HistoryStructureError);
  });
});
