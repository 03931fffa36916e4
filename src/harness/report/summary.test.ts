import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Run, ScenarioResult } from '../result/schema.ts';
import { sampleRun } from '../result/testing/sample-run.ts';
import { exitOf } from './exit.ts';
import { nextSteps } from './next-steps.ts';
import { renderSummary } from './summary.ts';

const PATH = 'results/20261122T160259Z-eb14d2c/run.json';

function summaryOf(run: Run, width: number, colour = false): string {
  return renderSummary({ ...run, exit: exitOf(run) }, { colour, width, path: PATH });
}

/** Everything that can go wrong, in one scenario. */
function troubledRun(): Run {
  const run = sampleRun();
  run.scenarios.shift();
  const [scenario] = run.scenarios as [ScenarioResult];
  Object.assign(scenario, {
    status: 'aborted',
    statusReason: 'threshold response_time{phase:recovery} p(99)<500 was crossed at 14.0s',
    invalid: [
      'schedule lag p99 was 34.1ms, more than 10ms: the generator could not keep its own schedule on this machine',
      'the fault crash of leader had no observed effect',
    ],
    verdicts: { fast: 'invalid', correct: 'violated', explained: 'partial', changed: 'slower' },
  });
  Object.assign(scenario.faults[0] as object, {
    proof: { proven: false, observations: [] },
    electionMs: undefined,
    recoveredMs: undefined,
    notRecovered: true,
    overlaps: true,
  });
  Object.assign(scenario, { operationsLost: 2 });
  Object.assign(scenario.thresholds[0] as object, { passed: false, aborted: true, observed: 1_234 });
  scenario.thresholds.push({
    metric: 'operations_failed{phase:after,operation:write,load:registers}',
    threshold: 'rate<0.001',
    passed: false,
    aborted: false,
  });
  Object.assign(scenario.checks[0] as object, {
    verdict: 'violated',
    reason: 'key r17: no order of 41 operations explains the read of 640',
    explanation:
      'process 3  |-- write 812 --|\nprocess 5                    |-- read 640 --|   <- 812 was acknowledged before this began',
    explanationFile: 'leader-crash/violation-linearizability.txt',
  });
  Object.assign(scenario.checks[1] as object, { verdict: 'unknown', reason: 'the history is empty', operations: 0, counts: {} });
  return run;
}

describe('the summary', () => {
  test.each([
    ['a good run', 80, sampleRun],
    ['a good run', 120, sampleRun],
    ['a troubled run', 80, troubledRun],
  ])('of %s in %d columns', async (name, width, run) => {
    await expect(summaryOf(run(), width)).toMatchFileSnapshot(`./testing/${name.replaceAll(' ', '-')}-${width}.txt`);
  });

  test('with colour says the same as without', () => {
    for (const width of [80, 120]) {
      for (const run of [sampleRun(), troubledRun()]) {
        const coloured = summaryOf(run, width, true);
        expect(stripVTControlCharacters(coloured)).toBe(summaryOf(run, width));
        expect(coloured).toContain('\u001b[32m✓');
      }
    }
  });

  test.each([72, 80, 100, 117, 118, 140])('has no line wider than %d columns', (width) => {
    for (const run of [sampleRun(), troubledRun()]) {
      const wide = summaryOf(run, width)
        .split('\n')
        .filter((line) => line.length > width);
      expect(wide).toEqual([]);
    }
  });

  test('uses 72 to 140 columns of whatever terminal there is', () => {
    const rule = (width: number) =>
      summaryOf(sampleRun(), width)
        .split('\n')
        .find((line) => line.startsWith('── '));
    expect([20, 300].map((width) => rule(width)?.length)).toEqual([72, 140]);
  });

  test('tells by colour what nobody may overlook', () => {
    const text = summaryOf(troubledRun(), 80, true);
    for (const alarm of ['INVALID', 'ABORTED']) expect(text).toContain(`\u001b[1;41;97m ${alarm} \u001b[22;49;39m`);
  });

  test('is not steered by what is in a result', () => {
    const run = JSON.parse(
      JSON.stringify(sampleRun()).replaceAll('leader', String.raw`lea\u001b[2J\u001b]0;owned\u0007der\u202e`),
    ) as Run;
    expect(JSON.stringify(run)).toContain(String.raw`\u001b[2J`);
    const text = summaryOf(run, 80);
    // oxlint-disable-next-line no-control-regex -- the point of this test
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text).toBe(summaryOf(sampleRun(), 80));
  });

  test('of microbenchmarks alone, of nothing, and of a scenario that never began', () => {
    const micro: Run = { ...sampleRun(), scenarios: [] };
    expect(summaryOf(micro, 80)).toContain('actor/ask               1.42us  0.80%');
    expect(summaryOf(micro, 80)).not.toContain('verdicts');
    const nothing = summaryOf({ ...micro, microbenchmarks: [] }, 80);
    expect(nothing).toContain('✗ failed (exit code 1)\n    - nothing was measured');
    const run = sampleRun();
    const empty = run.scenarios[0] as ScenarioResult;
    Object.assign(empty, {
      status: 'failed',
      statusReason: 'port 4001 is in use',
      statistics: [],
      timeline: [],
      checks: [],
      thresholds: [],
      errors: [],
    });
    Object.assign(empty.verdicts, { fast: 'unchecked', correct: 'unchecked' });
    const failed = summaryOf({ ...run, scenarios: [empty] }, 80);
    expect(failed).toContain(' FAILED ');
    expect(failed).toContain('port 4001 is in use');
    expect(failed).not.toContain('response time');
    expect(failed).toContain('no thresholds were set');
  });

  test('merges histograms: the tail of a phase is not the mean of its operations', () => {
    const lines = summaryOf(sampleRun(), 80).split('\n');
    const baseline = lines.find((line) => line.includes('baseline  8,883')) as string;
    const write = lines.find((line) => line.includes('write     3,600')) as string;
    const max = (line: string) => line.trim().split(/\s+/).at(-1);
    expect(max(baseline)).toBe(max(write));
  });

  test('several loads have a row each, and one for what they met in a fault', () => {
    const run = troubledRun();
    const [scenario] = run.scenarios;
    const statistics = (scenario?.statistics ?? []).map((each) => ({
      ...each,
      load: each.operation === 'write' ? 'writers' : 'others',
    }));
    const counted = (load: string, ...phases: string[]) =>
      statistics
        .filter((each) => each.load === load && each.outcome === 'ok' && phases.includes(each.phase))
        .reduce((sum, { count }) => sum + count, 0)
        .toLocaleString('en');
    const text = summaryOf({ ...run, scenarios: run.scenarios.map((each) => ({ ...each, statistics })) }, 120);
    expect(summaryOf(run, 120)).not.toMatch(/^ +load /m);
    expect(text).toMatch(new RegExp(`^ +writers +${counted('writers', 'baseline', 'fault', 'recovery', 'after')} `, 'm'));
    expect(text).toMatch(new RegExp(`^ +writers \\(fault\\) +${counted('writers', 'fault')} `, 'm'));
    expect(text).toContain('loads, phases and operations: what ended ok');
  });
});

test('the summary names the page where there is one', () => {
  const options = { colour: false, width: 80, path: PATH };
  const page = 'results/20261122T160259Z-eb14d2c/report.html';
  expect(renderSummary(sampleRun(), { ...options, page })).toContain(`  result  ${PATH}\n  page    ${page}\n  next    `);
  expect(renderSummary(sampleRun(), options)).not.toContain('  page  ');
});

describe('what to run next', () => {
  const commands = (run: Run) => nextSteps({ ...run, exit: exitOf(run) }).map(({ command }) => command);

  test('follows from how the run went', () => {
    const good = sampleRun();
    good.microbenchmarks = [];
    expect(commands(good)).toEqual(['npm run bench -- --profile full', 'npx windtunnel run leader-crash --seed 4712']);
    expect(commands(sampleRun())).toEqual(['npx windtunnel micro pool/acquire-release']);
    expect(commands({ ...good, status: 'interrupted' })).toEqual(['npx windtunnel bench --profile quick']);
    expect(commands(troubledRun())[0]).toBe('npx windtunnel run leader-crash --seed 4712');
    expect(commands({ ...good, scenarios: [], microbenchmarks: sampleRun().microbenchmarks.slice(0, 1) })).toContain(
      'npx windtunnel bench',
    );
  });

  test('is what the caller says, if it says so', () => {
    const text = renderSummary(sampleRun(), {
      colour: false,
      width: 80,
      path: PATH,
      next: [{ command: 'make coffee', why: 'first' }],
    });
    expect(text).toContain('next    make coffee  first\n');
  });
});
