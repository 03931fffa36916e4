import { describe, expect, test } from 'vitest';
import { parseExpression, parseMetric, ThresholdError } from './thresholds.ts';

describe('metrics', () => {
  test.each([
    ['response_time', { name: 'response_time', tags: {} }],
    ['service_time{phase:recovery}', { name: 'service_time', tags: { phase: 'recovery' } }],
    [
      ' response_time { phase : fault , operation:write, load:registers-2, outcome:ok } ',
      { name: 'response_time', tags: { phase: 'fault', operation: 'write', load: 'registers-2', outcome: 'ok' } },
    ],
    ['errors{code:deadline-exceeded,phase:fault}', { name: 'errors', tags: { code: 'deadline-exceeded', phase: 'fault' } }],
    ['recovered{fault:slow-disk}', { name: 'recovered', tags: { fault: 'slow-disk' } }],
    ['dropped_iterations{load:a}', { name: 'dropped_iterations', tags: { load: 'a' } }],
  ])('%s', (text, selector) => expect(parseMetric(text)).toEqual(selector));

  test.each([
    ['', "cannot read the metric ''"],
    ['http_req_duration', "no metric is called 'http_req_duration'"],
    ['respons_time', "did you mean 'response_time'?"],
    ['response_time{}', "cannot read '' in 'response_time{}' as a tag"],
    ['response_time{phase}', "cannot read 'phase'"],
    ['response_time{phase:}', "cannot read 'phase:'"],
    ['response_time{phase:recovry}', "no phase is called 'recovry'; did you mean 'recovery'?"],
    ['response_time{phse:recovery}', "cannot be filtered by 'phse'; did you mean 'phase'?"],
    ['response_time{phase:fault,phase:after}', "names the tag 'phase' twice"],
    ['response_time{phase:fault', "cannot read the metric 'response_time{phase:fault'"],
    ['operations_failed{outcome:ok}', "cannot be filtered by 'outcome'"],
    ['dropped_iterations{operation:read}', "cannot be filtered by 'operation'; it has phase, load"],
    ['first_writ', "no metric is called 'first_writ'; did you mean 'first_write'?"],
    ['write_gap{phase:fault}', "'write_gap{phase:fault}' cannot be filtered by 'phase'; it has fault"],
    ['operations_lost{fault:crash}', "cannot be filtered by 'fault'; it has no tags"],
    ['errors{cod:x}', "cannot be filtered by 'cod'; did you mean 'code'?"],
    ['response_time{constructor:x}', "cannot be filtered by 'constructor'"],
  ])('%s is refused', (text, message) => {
    expect(() => parseMetric(text)).toThrow(ThresholdError);
    expect(() => parseMetric(text)).toThrow(message);
  });
});

describe('expressions', () => {
  test.each([
    ['p(99)<500', 'response_time', { aggregation: { kind: 'percentile', percentile: 99 }, operator: '<', limit: 500 }],
    ['p(99.9) <= 1', 'service_time', { aggregation: { kind: 'percentile', percentile: 99.9 }, operator: '<=', limit: 1 }],
    [' p( 95 )>1e3 ', 'response_time', { aggregation: { kind: 'percentile', percentile: 95 }, operator: '>', limit: 1_000 }],
    ['avg<.5', 'response_time', { aggregation: { kind: 'avg' }, operator: '<', limit: 0.5 }],
    ['med>=2', 'response_time', { aggregation: { kind: 'med' }, operator: '>=', limit: 2 }],
    ['count>100', 'operations', { aggregation: { kind: 'count' }, operator: '>', limit: 100 }],
    ['rate<0.01', 'operations_failed', { aggregation: { kind: 'rate' }, operator: '<', limit: 0.01 }],
    ['rate==0', 'dropped_iterations', { aggregation: { kind: 'rate' }, operator: '==', limit: 0 }],
    ['rate===0', 'dropped_iterations', { aggregation: { kind: 'rate' }, operator: '==', limit: 0 }],
    ['count!=0', 'operations', { aggregation: { kind: 'count' }, operator: '!=', limit: 0 }],
  ] as const)('%s of %s', (text, metric, expression) => expect(parseExpression(text, metric)).toEqual(expression));

  test.each([
    ['', 'response_time', "cannot read '' as a threshold"],
    ['p(99)', 'response_time', "cannot read 'p(99)'"],
    ['p99<500', 'response_time', "cannot read 'p99<500'"],
    ['p(99)<500ms', 'response_time', "'500ms' is not a number"],
    ['p(99)=500', 'response_time', "cannot read 'p(99)=500'"],
    ['p(101)<500', 'response_time', "a percentile is a number from 0 to 100, as in p(99.9), not '101'"],
    ['p()<500', 'response_time', "not ''"],
    ['p<500', 'response_time', "not ''"],
    ['p(x)<500', 'response_time', "not 'x'"],
    ['avg(1)<500', 'response_time', 'avg takes no argument'],
    ['mdian<500', 'response_time', "no aggregation is called 'mdian'"],
    ['rate<0.01', 'response_time', "'rate<0.01': response_time has no rate; it has p(), avg, min, max, med"],
    ['p(99)<1', 'operations_failed', 'operations_failed has no p(); it has count, rate'],
    ['p(99)<1', 'recovered', 'recovered has no p(); it has max, min, avg, med'],
    ['rate<1', 'operations_lost', 'operations_lost has no rate; it has count'],
    ['value<1', 'operations', 'operations has no value; it has count, rate'],
  ] as const)("'%s' of %s is refused", (text, metric, message) => {
    expect(() => parseExpression(text, metric)).toThrow(ThresholdError);
    expect(() => parseExpression(text, metric)).toThrow(message);
  });
});
