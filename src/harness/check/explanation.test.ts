// What a person is told about a violation.

import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import type { HistoryEvent } from '../history/event.ts';
import { kvModel } from './kv.ts';
import { checkLinearizability } from './linearizability.ts';
import type { Model } from './model.ts';
import { pairOperations } from './operation.ts';
import { registerModel } from './register.ts';
import { explain } from './render.ts';
import { simulateRegisters } from './testing/simulated-register.ts';
import { transcript } from './testing/transcript.ts';

async function explained(events: readonly HistoryEvent[], model: Model = registerModel()): Promise<string> {
  return explain(await checkLinearizability(await pairOperations(events), { model }));
}

test('a stale read is shown with the write before it and the one that it missed, and nothing else', async () => {
  const text = await explained(
    transcript(`
      0 invoke write 1 @k
      0 ok
      1 invoke read @k
      1 ok 1
      2 invoke write 9 @k
      2 info timeout
      0 invoke write 2 @k
      0 ok
      3 invoke write 3 @k
      1 invoke read @k
      1 ok 1
      3 ok`),
  );
  expect(text).toBe(`violated: not linearizable (6 operations on 1 key, model register)
  these 3 operations on key "k" (of 6) cannot be put in any order; only one operation produces 1:
    process 0  write 1    0 .. 1us     ok
    process 0  write 2    6us .. 7us   ok
  > process 1  read -> 1  9us .. 10us  ok
  before that, 3 operations can be ordered
    the last changes: write 1; write 2`);
});

test('values that were written many times need a search; the window says that nothing earlier matters', async () => {
  const text = await explained(
    transcript(`
      0 invoke write 1
      0 ok
      0 invoke write 2
      0 ok
      0 invoke write 1
      0 ok
      0 invoke write 2
      0 ok
      1 invoke write 7
      1 info timeout
      0 invoke read
      0 ok 1`),
  );
  expect(text).toBe(`violated: not linearizable (6 operations on 1 key, model register)
  these 2 operations (of 6) cannot be put in any order, whatever the value was before:
    process 0  write 2    6us .. 7us    ok
  > process 0  read -> 1  10us .. 11us  ok
  before that, 4 operations can be ordered
    the last changes: write 1; write 2; write 1; write 2`);
});

test('an operation of unknown outcome that could have helped, but not twice, is part of the explanation', async () => {
  const text = await explained(
    transcript(`
      0 invoke write 1
      0 ok
      9 invoke write 1
      9 info timeout
      1 invoke write 2
      1 ok
      1 invoke read
      1 ok 1
      1 invoke write 2
      1 ok
      1 invoke read
      1 ok 1`),
  );
  expect(text).toContain(`these 5 operations (of 6) cannot be put in any order, whatever the value was before:
    process 9  write 1    2us .. ?      unknown (timeout)
    process 1  write 2    4us .. 5us    ok
    process 1  read -> 1  6us .. 7us    ok
    process 1  write 2    8us .. 9us    ok
  > process 1  read -> 1  10us .. 11us  ok
`);
});

test('an operation that was under way when the window begins is part of it', async () => {
  const text = await explained(
    transcript(`
      0 invoke write 1
      0 ok
      0 invoke write 2
      0 ok
      9 invoke write 1
      0 invoke read
      0 ok 1
      0 invoke write 2
      0 ok
      0 invoke read
      9 ok
      0 ok 1`),
  );
  expect(text).toContain(`these 5 operations (of 6) cannot be put in any order, whatever the value was before:
    process 0  write 2    2us .. 3us   ok
    process 9  write 1    4us .. 10us  ok
    process 0  read -> 1  5us .. 6us   ok
    process 0  write 2    7us .. 8us   ok
  > process 0  read -> 1  9us .. 11us  ok
`);
});

test('what was seen before it was asked for, and what nothing brings back', async () => {
  const early = await explained(transcript('1 invoke read \n 1 ok 1 \n 0 invoke write 1 \n 0 info'));
  expect(early).toContain('these 2 operations (of 2) cannot be put in any order; only one operation produces 1:');
  const gone = await explained(transcript('0 invoke write 1 \n 0 ok \n 0 invoke read \n 0 ok null'));
  expect(gone).toContain('these 2 operations (of 2) cannot be put in any order; nothing brings back nil:');
});

test('one wrong read among thousands of operations is found and named', async () => {
  const events = simulateRegisters({ random: new Random(11), operations: 5_000, clients: 12, values: 4, unknownRate: 0.002 });
  const reads = events.filter(({ type, f, value }) => type === 'ok' && f === 'read' && value === 2);
  const wrong = reads[Math.floor(reads.length / 2)] as HistoryEvent;
  const corrupted = events.map((event) => (event === wrong ? { ...wrong, value: 'never' } : event));
  const text = await explained(corrupted);
  expect(text.split('\n').slice(1, 3)).toEqual([
    expect.stringMatching(/^ {2}this 1 operation on key "k1" \(of \d+\) cannot be put in any order; nothing produces "never":$/),
    expect.stringMatching(/^ {2}> process \d+ {2}read -> "never" {2}.* ok$/),
  ]);
});

test('without times, positions of events are shown; long texts keep their end', async () => {
  const long = 'x'.repeat(200);
  const events = transcript(`0 invoke append "${long}" \n 0 ok \n 0 invoke append "b" \n 0 ok \n 0 invoke get \n 0 ok "${long}"`);
  const text = await explained(
    events.map((event) => ({ ...event, timeNs: Number.NaN })),
    kvModel(),
  );
  expect(text).toMatch(/> process 0 {2}get -> \.\.\.x+" +event 4 \.\. event 5 {2}ok/);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(140);
});

test('what the system answered cannot reach the terminal as an escape', async () => {
  const events = transcript('0 invoke read \n 0 ok 1').map((event) => ({ ...event, key: '\u001b[2Jk' }));
  const text = await explained(events);
  expect(text).not.toContain('\u001b');
  expect(text).toContain('2Jk');
});

test('valid and unknown are one line each', async () => {
  expect(await explained(transcript('0 invoke write 1 \n 0 ok'))).toBe(
    'valid: 1 operation on 1 key, model register: all can be put in one order',
  );
  expect(await explained([])).toBe('unknown: the history has no operations (0 operations on 0 keys, model register)');
});
