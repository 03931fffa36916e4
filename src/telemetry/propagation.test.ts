// Contexts across process boundaries: the W3C headers as the specifications have them, and hostile ones.

import { Metadata } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { Random } from '../runtime/random.ts';
import { BaggageError, MOST_BAGGAGE_BYTES } from './baggage.ts';
import { DistributedContext } from './context.ts';
import { currentContext, withContext } from './current-context.ts';
import { extractFromHeaders, extractFromMetadata, injectIntoHeaders, injectIntoMetadata } from './propagation.ts';
import { cryptoIds, seededIds } from './trace-ids.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const GOOD = `00-${TRACE}-${SPAN}-01`;

const values = (context: DistributedContext) => Object.fromEntries([...context.baggage].map(([key, { value }]) => [key, value]));

describe('context', () => {
  test('a child stays in the trace, under its parent, with its baggage', () => {
    const root = DistributedContext.root({ sampled: false }).withBaggage('tenant', 'acme');
    const child = root.child();
    expect(child).toMatchObject({ traceId: root.traceId, parentSpanId: root.spanId, sampled: false, baggage: root.baggage });
    expect(child.spanId).not.toBe(root.spanId);
    expect(root.parentSpanId).toBeUndefined();
    expect(root.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(root.spanId).toMatch(/^[0-9a-f]{16}$/);
  });

  test('ids repeat with a seed and do not repeat otherwise', () => {
    const draw = () => DistributedContext.root({ ids: seededIds(new Random(7)) });
    expect(draw()).toEqual(draw());
    expect(new Set(Array.from({ length: 5_000 }, () => cryptoIds.traceId())).size).toBe(5_000);
    expect(new Set(Array.from({ length: 5_000 }, () => cryptoIds.spanId())).size).toBe(5_000);
  });

  test('an id of zeros is drawn again', () => {
    const draws = [0, 0, 0, 0, 0, 0, 0, 5];
    const ids = seededIds({ uint32: () => draws.shift() ?? 1 } as unknown as Random);
    expect(ids.traceId()).toBe(`${'0'.repeat(31)}5`);
  });

  test('baggage is changed in a copy, and a key that no header can carry is refused', () => {
    const context = DistributedContext.root();
    const loaded = context.withBaggage('a', '1').withBaggage('b', '2').withoutBaggage('a');
    expect(values(loaded)).toEqual({ b: '2' });
    expect(context.baggage.size).toBe(0);
    expect(loaded.baggageValue('b')).toBe('2');
    expect(() => context.withBaggage('with space', 'x')).toThrow(BaggageError);
    expect(() => context.withBaggage('', 'x')).toThrow('""');
    expect(() => context.withBaggage('k', 'v', 'a=1\r\nx-admin: 1')).toThrow(BaggageError);
    expect(() => context.withBaggage('k', 'v', 'a=1,b=2')).toThrow('"a=1,b=2"');
  });

  test('the current context follows asynchronous work and ends with it', async () => {
    const [outer, inner] = [DistributedContext.root(), DistributedContext.root()];
    expect(currentContext()).toBeUndefined();
    const seen = await withContext(outer, async () => {
      await Promise.resolve();
      const nested = withContext(inner, currentContext);
      return [currentContext(), nested, await Promise.resolve().then(currentContext)];
    });
    expect(seen).toEqual([outer, inner, outer]);
    expect(currentContext()).toBeUndefined();
  });
});

describe('round trip', () => {
  const context = new DistributedContext({ traceId: TRACE, spanId: SPAN, sampled: true, traceState: 'rojo=1,congo=t61' })
    .withBaggage('user', 'Zoë, "50%"; a=b\\ 😀')
    .withBaggage('plain', 'x', 'ttl=3;internal');

  test('through gRPC metadata', () => {
    const metadata = new Metadata();
    expect(injectIntoMetadata(context, metadata)).toBe(0);
    expect(metadata.get('traceparent')).toEqual([GOOD]);
    expect(extractFromMetadata(metadata)).toEqual({ context, remote: true });
  });

  test('through HTTP headers', () => {
    const headers = {};
    injectIntoHeaders(context, headers);
    expect(headers).toEqual({
      traceparent: GOOD,
      tracestate: 'rojo=1,congo=t61',
      baggage: 'user=Zo%C3%AB%2C%20%2250%25%22%3B%20a=b%5C%20%F0%9F%98%80,plain=x;ttl=3;internal',
    });
    expect(extractFromHeaders(headers)).toEqual({ context, remote: true });
  });

  test('what an earlier context left in a carrier does not stay', () => {
    const metadata = new Metadata();
    const headers: Record<string, string> = {};
    const bare = DistributedContext.root({ sampled: false });
    injectIntoMetadata(context, metadata);
    injectIntoMetadata(bare, metadata);
    injectIntoHeaders(context, headers);
    injectIntoHeaders(bare, headers);
    expect(extractFromMetadata(metadata).context).toEqual(bare);
    expect(headers).toEqual({ traceparent: `00-${bare.traceId}-${bare.spanId}-00` });
  });

  test('a lone surrogate in baggage is replaced, not thrown over', () => {
    const headers: Record<string, string> = {};
    injectIntoHeaders(context.withBaggage('user', 'a\ud800b'), headers);
    expect(extractFromHeaders(headers).context.baggageValue('user')).toBe('a\ufffdb');
  });
});

describe('traceparent', () => {
  test.each([
    ['as it is', GOOD, true],
    ['not sampled', `00-${TRACE}-${SPAN}-00`, false],
    ['other flags are ignored', `00-${TRACE}-${SPAN}-fe`, false],
    ['other flags beside sampled', `00-${TRACE}-${SPAN}-ff`, true],
    ['optional space around', ` \t${GOOD}\t `, true],
    ['a later version', `cc-${TRACE}-${SPAN}-01`, true],
    ['a later version with more behind', `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, true],
  ])('accepted: %s', (_, traceparent, sampled) => {
    const result = extractFromHeaders({ traceparent });
    expect(result).toMatchObject({ remote: true, context: { traceId: TRACE, spanId: SPAN, sampled, parentSpanId: undefined } });
    expect(result).not.toHaveProperty('problem');
  });

  test.each([
    ['empty', ''],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['upper case', GOOD.toUpperCase()],
    ['upper case in the span', `00-${TRACE}-${SPAN.toUpperCase()}-01`],
    ['upper case in the version', `CC-${TRACE}-${SPAN}-01`],
    ['trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['trace too short', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['trace too long', `00-${TRACE}0-${SPAN}-01`],
    ['span not hexadecimal', `00-${TRACE}-${SPAN.slice(1)}g-01`],
    ['no flags', `00-${TRACE}-${SPAN}`],
    ['flags too long', `00-${TRACE}-${SPAN}-011`],
    ['more behind version 00', `${GOOD}-more`],
    ['nothing but a dash behind version 00', `${GOOD}-`],
    ['a later version with more behind, not set off', `cc-${TRACE}-${SPAN}-01.what-the-future`],
    ['version too short', `0-${TRACE}-${SPAN}-01`],
    ['wrong separator', GOOD.replaceAll('-', '_')],
    ['two in one', `${GOOD},${GOOD}`],
    ['a line break behind', `${GOOD}\n`],
    ['enormous', `${GOOD}-${'x'.repeat(100_000)}`],
  ])('refused, a new trace begins: %s', (_, traceparent) => {
    const { context, remote, problem } = extractFromHeaders({ traceparent, tracestate: 'a=1', baggage: 'k=v' });
    expect(remote).toBe(false);
    expect(context.traceId).not.toBe(TRACE);
    expect(context.traceState).toBe('');
    expect(values(context)).toEqual({ k: 'v' });
    expect(problem).toContain('traceparent');
    expect(problem?.length).toBeLessThan(250);
    expect(problem).not.toContain('\n');
  });

  test('two headers are refused', () => {
    const metadata = new Metadata();
    metadata.add('traceparent', GOOD);
    metadata.add('traceparent', GOOD);
    expect(extractFromMetadata(metadata)).toMatchObject({ remote: false, problem: '2 traceparent headers, one is the most' });
    expect(extractFromHeaders({ traceparent: [GOOD, GOOD] }).remote).toBe(false);
  });

  test('none at all is no problem; the new root is as the options say', () => {
    const result = extractFromHeaders({ host: 'n1' }, { sampled: false, ids: seededIds(new Random(3)) });
    expect(result).toEqual({
      context: DistributedContext.root({ sampled: false, ids: seededIds(new Random(3)) }),
      remote: false,
    });
  });

  test('header names count in any case', () => {
    expect(
      extractFromHeaders({ TraceParent: GOOD, TRACESTATE: 'a=1', Baggage: 'k=v', 'Baggage-Old': 'w' }).context,
    ).toMatchObject({
      traceId: TRACE,
      traceState: 'a=1',
      baggage: new Map([
        ['k', { value: 'v', properties: '' }],
        ['old', { value: 'w', properties: '' }],
      ]),
    });
  });
});

describe('tracestate', () => {
  const read = (tracestate: string | string[]) => extractFromHeaders({ traceparent: GOOD, tracestate });
  const member = (i: number) => `k${i}=${i}`;
  const list = (count: number) => Array.from({ length: count }, (_, i) => member(i)).join(',');

  test.each([
    ['rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
    ['', ''],
    [' a=1 ,\t, b=2,', 'a=1,b=2'],
    ['fw529a3039@dt=FfD-40c0', 'fw529a3039@dt=FfD-40c0'],
    ['0a@b=1,a_-*/0=2', '0a@b=1,a_-*/0=2'],
    ['a=!~ inner space', 'a=!~ inner space'],
    [`${'k'.repeat(256)}=v`, `${'k'.repeat(256)}=v`],
    [`a=${'v'.repeat(256)}`, `a=${'v'.repeat(256)}`],
    [list(32), list(32)],
  ])('%s is passed on', (tracestate, expected) => {
    const { context, problem } = read(tracestate);
    expect(context.traceState).toBe(expected);
    expect(problem).toBeUndefined();
  });

  test.each([
    'novalue',
    'a=',
    '=v',
    'A=1',
    '0a=1',
    'a=b=c',
    'a@b@c=1',
    'a@0=1',
    `a@${'s'.repeat(15)}=1`,
    `${'k'.repeat(257)}=v`,
    `a=${'v'.repeat(257)}`,
    'a=\u00e9',
    'a=1,a=2',
    'a=1,b=2,a=1',
    list(33),
  ])('%s is dropped whole, and the trace goes on', (tracestate) => {
    const { context, remote, problem } = read(tracestate);
    expect(context).toMatchObject({ traceId: TRACE, traceState: '' });
    expect(remote).toBe(true);
    expect(problem).toContain('tracestate');
  });

  test('several headers are one list', () => {
    expect(read(['a=1', 'b=2,c=3']).context.traceState).toBe('a=1,b=2,c=3');
    expect(read(['a=1', 'a=2']).context.traceState).toBe('');
    const metadata = new Metadata();
    metadata.set('traceparent', GOOD);
    metadata.add('tracestate', 'a=1');
    metadata.add('tracestate', 'b=2');
    expect(extractFromMetadata(metadata).context.traceState).toBe('a=1,b=2');
  });

  test('more than 512 characters are cut by whole members: large ones first, then from the end', () => {
    const small = (i: number) => `s${i}=${'x'.repeat(90)}`;
    const large = `l=${'y'.repeat(150)}`;
    const members = [small(0), large, small(1), small(2), small(3), small(4), small(5)];
    expect(read(members.join(',')).context.traceState).toBe([0, 1, 2, 3, 4].map(small).join(','));
  });
});

describe('baggage', () => {
  const read = (baggage: string | string[], more: Record<string, string> = {}) => extractFromHeaders({ baggage, ...more });

  test.each([
    ['a=1,b=2', { a: '1', b: '2' }],
    [' a = 1 ,\tb=2 ', { a: '1', b: '2' }],
    ['a=', { a: '' }],
    ['a=x=y==', { a: 'x=y==' }],
    ['user=Am%C3%A9lie%20P', { user: 'Amélie P' }],
    ['bad=%FFx%zz%C3%A9', { bad: '\ufffdx%zzé' }],
    ['a=1,a=2', { a: '2' }],
    ['A=1,a=2', { A: '1', a: '2' }],
    ['', {}],
  ])('%s', (baggage, expected) => {
    const { context, problem } = read(baggage);
    expect(values(context)).toEqual(expected);
    expect(problem).toBeUndefined();
  });

  test.each(['x', '=1', 'k y=1', 'x="1"', 'x=a b', 'x=1;', 'x=1;p q=2', 'x=1;p=a b', 'x=\u00e9', 'x=a\\b', 'kä=1'])(
    'the malformed member %s is skipped, its neighbours are not',
    (member) => {
      const { context, problem } = read(`a=1,${member},b=2`);
      expect(values(context)).toEqual({ a: '1', b: '2' });
      expect(problem).toContain(JSON.stringify(member));
    },
  );

  test('properties are kept and passed on', () => {
    const { context } = read('a=1;p=x%20y; flag ;q = 2');
    expect(context.baggage.get('a')).toEqual({ value: '1', properties: 'p=x%20y;flag;q=2' });
    const headers: Record<string, string> = {};
    injectIntoHeaders(context, headers);
    expect(headers.baggage).toBe('a=1;p=x%20y;flag;q=2');
  });

  test('baggage-<key> headers are read too; the W3C header wins', () => {
    const metadata = new Metadata();
    metadata.set('baggage-tenant', 'acme & co, 100%');
    metadata.set('baggage-user', 'old');
    metadata.set('baggage-photo-bin', Buffer.from([1, 2, 3]));
    metadata.set('baggage', 'user=new');
    expect(values(extractFromMetadata(metadata).context)).toEqual({ user: 'new', tenant: 'acme & co, 100%' });
    expect(values(read('user=new', { 'baggage-user': 'old', 'baggage-tenant': 'acme' }).context)).toEqual({
      user: 'new',
      tenant: 'acme',
    });
    expect(read('', { 'baggage-': 'x' })).toMatchObject({ problem: expect.stringContaining('baggage-') as string });
  });

  test('at most 180 members are taken', () => {
    const header = Array.from({ length: 200 }, (_, i) => `k${i}=v`).join(',');
    const { context, problem } = read(header);
    expect(context.baggage.size).toBe(180);
    expect(problem).toContain('180');
    expect(read(header.split(',').slice(0, 180).join(','))).not.toHaveProperty('problem');
  });

  test('at most 8192 bytes are taken, from all headers together', () => {
    const half = 'x'.repeat(MOST_BAGGAGE_BYTES / 2 - 2);
    // 'a=' + half, a comma, 'b=' + half: one byte too many.
    expect(values(read(`a=${half},b=${half}`).context)).toEqual({ a: half });
    expect(read(`a=${half},b=${half.slice(1)}`)).not.toHaveProperty('problem');
    expect(read([`a=${half}`, `b=${half}`])).toMatchObject({ problem: expect.stringContaining('8192') as string });
    expect(values(read(`a=${half}`, { 'baggage-b': half }).context)).toEqual({ a: half });
  });

  test('what does not fit the limits is left out of the header, whole, and counted', () => {
    let context = DistributedContext.root();
    for (let i = 0; i < 181; i++) context = context.withBaggage(`k${i}`, 'v');
    const headers: Record<string, string> = {};
    expect(injectIntoHeaders(context, headers)).toBe(1);
    expect(headers.baggage?.split(',').length).toBe(180);
    const large = DistributedContext.root().withBaggage('large', 'é'.repeat(1_500)).withBaggage('small', '1');
    expect(injectIntoHeaders(large, headers)).toBe(1);
    expect(headers.baggage).toBe('small=1');
  });
});

test('2,000 mutilated carriers never throw and never give an invalid context', () => {
  const random = new Random(99);
  const alphabet = ['-', ',', '=', ';', '%', '%F0', ' ', '\t', '"', '\\', '0', 'a', 'F', 'é', '\u0000', '\n', '😀', '\ud800'];
  const mutilate = (text: string) => {
    const characters = text.split('');
    for (let i = random.integer(1, 4); i > 0; i--)
      characters.splice(random.integer(0, characters.length), random.integer(0, 2), random.pick(alphabet));
    return characters.join('');
  };
  let continued = 0;
  for (let i = 0; i < 2_000; i++) {
    const { context, remote } = extractFromHeaders({
      traceparent: random.chance(0.5) ? GOOD : mutilate(GOOD),
      tracestate: mutilate('rojo=1,congo@x=t61'),
      baggage: mutilate('a=1;p=2,b=%C3%A9'),
      [mutilate('baggage-x')]: mutilate('value'),
    });
    if (remote) continued++;
    const again: Record<string, string> = {};
    injectIntoHeaders(context, again);
    // What was accepted must be fit to send: read back, nothing is malformed and nothing differs.
    const second = extractFromHeaders(again);
    expect(second).not.toHaveProperty('problem');
    expect(second).toEqual({ context, remote: true });
    for (const text of Object.values(again)) expect(text).toMatch(/^[\x20-\x7e]*$/);
  }
  expect(continued).toBeGreaterThan(900);
});
