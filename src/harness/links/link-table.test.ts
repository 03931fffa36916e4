// Links on real sockets.

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { sleep, systemClock } from '../../runtime/clock.ts';
import { resetSocket } from './connection.ts';
import { LinkTable } from './link-table.ts';
import { RemoteLinks } from './remote-links.ts';
import type { DirectionCounters } from './rule.ts';
import { serveLinks } from './serve-links.ts';

const FORWARD = { from: 'n1', to: 'n2' };
const BACKWARD = { from: 'n2', to: 'n1' };

let table: LinkTable;
let server: Server;
/** Accepted by the node behind the link. */
let accepted: Socket[];
let behaviour: (socket: Socket) => void;
let linkPort: number;
const diallers: Socket[] = [];

beforeEach(async () => {
  accepted = [];
  behaviour = (socket) => socket.on('data', (bytes) => socket.write(bytes)).on('end', () => socket.end());
  server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
    behaviour(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  table = new LinkTable(systemClock, new Random(1));
  [linkPort] = await openLink();
});

afterEach(async () => {
  for (const socket of [...accepted, ...diallers.splice(0)]) socket.destroy();
  await table.close();
  server.close();
});

async function openLink(plan: { from: string; to: string } = FORWARD): Promise<[number]> {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const [where] = await table.open([{ ...plan, listen: '127.0.0.1:0', upstream: `127.0.0.1:${port}` }]);
  return [Number(where?.split(':')[1])];
}

interface Dialled {
  readonly socket: Socket;
  readonly text: () => string;
  /** 'end', 'close' and error codes as they came. */
  readonly events: string[];
}

async function dial(port = linkPort): Promise<Dialled> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  diallers.push(socket);
  const events: string[] = [];
  let received = '';
  socket.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')));
  socket.on('end', () => events.push('end'));
  socket.on('error', (error: NodeJS.ErrnoException) => events.push(String(error.code)));
  socket.on('close', () => events.push('close'));
  // A cut may reset it before it has heard that it is connected.
  await until(() => !socket.connecting, 'the connection');
  return { socket, text: () => received, events };
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const deadlineMs = systemClock.now() + 10_000;
  while (!holds()) {
    if (systemClock.now() > deadlineMs) throw new Error(`did not come about: ${what}`);
    await sleep(systemClock, 2);
  }
}

function counters({ from, to } = FORWARD): DirectionCounters {
  const found = table.counters().find((each) => each.from === from && each.to === to);
  if (found === undefined) throw new Error(`no counters of ${from}->${to}`);
  return found;
}

describe('a link', () => {
  test('carries bytes both ways and counts them', async () => {
    const { socket, text } = await dial();
    socket.write('hello');
    await until(() => text() === 'hello', 'the echo');
    expect(counters()).toMatchObject({ bytesIn: 5, bytesForwarded: 5, connectionsOpen: 1, connectionsTotal: 1 });
    expect(counters(BACKWARD)).toMatchObject({ bytesForwarded: 5 });
  });

  test('passes on that one half is closed while the other goes on', async () => {
    behaviour = (socket) => socket.resume().on('end', () => socket.end('after your end'));
    const { socket, text, events } = await dial();
    socket.end('last words');
    await until(() => events.includes('close'), 'the end of the connection');
    expect(text()).toBe('after your end');
    expect(events).toEqual(['end', 'close']);
    await until(() => counters().connectionsOpen === 0, 'nothing left open');
    expect(counters()).toMatchObject({ bytesForwarded: 10, bytesHeld: 0, bytesDiscarded: 0 });
  });

  test('passes on a reset', async () => {
    const { socket } = await dial();
    await until(() => accepted.length === 1, 'the connection');
    socket.resetAndDestroy();
    await until(() => accepted[0]?.destroyed === true, 'the reset');
    await until(() => counters().connectionsOpen === 0, 'nothing left open');
    expect(counters().resets).toBe(0);
  });

  test('to a node that is down resets who dials it', async () => {
    server.close();
    await once(server, 'close');
    const { events } = await dial();
    await until(() => events.includes('close'), 'the end');
    expect(events).toContain('ECONNRESET');
  });

  test('carries much to a slow reader without holding it', async () => {
    behaviour = (socket) => void socket.pause();
    const { socket } = await dial();
    await until(() => accepted.length === 1, 'the connection');
    const total = 64 << 20;
    const block = Buffer.alloc(1 << 20, 'x');
    for (let sent = 0; sent < total; sent += block.length) socket.write(block);
    await until(() => socket.writableLength > 0 && counters().bytesHeld > 0, 'back pressure');
    // Time for it to go wrong.
    await sleep(systemClock, 100);
    expect(counters().bytesHeld).toBeLessThan(1 << 20);
    expect(counters().bytesIn).toBeLessThan(total);
    let received = 0;
    const [reader] = accepted;
    reader?.on('data', (bytes: Buffer) => (received += bytes.length)).resume();
    await until(() => received === total, 'everything');
    expect(counters()).toMatchObject({ bytesIn: total, bytesForwarded: total, bytesHeld: 0 });
  });
});

describe('a hold', () => {
  test('of one direction lets the other through, and nothing is lost', async () => {
    const { socket, text } = await dial();
    socket.write('a');
    await until(() => text() === 'a', 'the echo');
    table.apply('x', [{ ...BACKWARD, rule: { block: 'hold' } }]);
    socket.write('b');
    await until(() => counters(BACKWARD).bytesHeld === 1, 'the reply at the link');
    expect(counters()).toMatchObject({ bytesForwarded: 2 });
    expect(counters(BACKWARD)).toMatchObject({ bytesForwarded: 1 });
    expect(text()).toBe('a');
    table.lift('x');
    await until(() => text() === 'ab', 'the reply');
  });

  test.each([FORWARD, BACKWARD])('of %j accepts new connections and lets nobody hear of them', async (direction) => {
    table.apply('x', [{ ...direction, rule: { block: 'hold' } }]);
    const { socket, text, events } = await dial();
    socket.write('hello');
    await until(() => counters().bytesHeld === 5, 'the bytes at the link');
    await sleep(systemClock, 50);
    expect(accepted.length).toBe(0);
    expect(events).toEqual([]);
    expect(counters()).toMatchObject({ bytesForwarded: 0, connectionsTotal: 1 });
    table.lift('x');
    await until(() => text() === 'hello', 'the echo');
  });

  test('forgets a connection that gave up meanwhile', async () => {
    table.apply('x', [{ ...FORWARD, rule: { block: 'hold' } }]);
    const { socket } = await dial();
    socket.end('hello');
    await until(() => counters().connectionsTotal === 1 && counters().connectionsOpen === 0, 'the end');
    expect(counters()).toMatchObject({ bytesHeld: 0, bytesDiscarded: counters().bytesIn });
    table.lift('x');
    const { socket: next, text } = await dial();
    next.write('x');
    await until(() => text() === 'x', 'the echo');
    expect(accepted.length).toBe(1);
  });

  test('counts for the links of both ends: what n1 says to n2 is held on either', async () => {
    const [otherPort] = await openLink(BACKWARD);
    const [first, second] = [await dial(), await dial(otherPort)];
    for (const { socket } of [first, second]) socket.write('a');
    await until(() => first.text() === 'a' && second.text() === 'a', 'echoes');
    table.apply('x', [{ ...FORWARD, rule: { block: 'hold' } }]);
    for (const { socket } of [first, second]) socket.write('b');
    // Of the first the request waits, of the second the reply.
    await until(() => counters().bytesHeld === 2, 'both at the link');
    expect(counters()).toMatchObject({ bytesForwarded: 2 });
    expect(counters(BACKWARD)).toMatchObject({ bytesForwarded: 3 });
    table.lift('x');
    await until(() => first.text() === 'ab' && second.text() === 'ab', 'the rest');
  });
});

describe('breaking connections', () => {
  test('a cut resets what there is and what comes, until it is lifted', async () => {
    const before = await dial();
    await until(() => accepted.length === 1, 'the connection');
    table.apply('x', [{ ...BACKWARD, rule: { block: 'cut' } }]);
    await until(() => before.events.includes('close'), 'the reset');
    expect(before.events).toContain('ECONNRESET');
    const during = await dial();
    await until(() => during.events.includes('close'), 'the refusal');
    expect(counters()).toMatchObject({ connectionsTotal: 2, connectionsRefused: 1, connectionsOpen: 0 });
    expect(counters(BACKWARD).resets).toBe(1);
    expect(accepted.length).toBe(1);
    table.lift('x');
    const after = await dial();
    after.socket.write('x');
    await until(() => after.text() === 'x', 'the echo');
  });

  test('a reset on command breaks both ends, and new connections are welcome', async () => {
    const { events } = await dial();
    await until(() => accepted.length === 1, 'the connection');
    expect(table.reset([FORWARD])).toBe(1);
    await until(() => events.includes('close') && accepted[0]?.destroyed === true, 'the reset');
    const { socket, text } = await dial();
    socket.write('x');
    await until(() => text() === 'x', 'the echo');
  });

  test('a socket that is closing its half is closed, since it cannot be reset', async () => {
    behaviour = (socket) => void socket.resume();
    const { socket } = await dial();
    await until(() => accepted.length === 1, 'the connection');
    const [node] = accepted;
    let lost = false;
    node?.on('close', () => (lost = true));
    socket.end('last words');
    resetSocket(socket);
    // Where the socket is left open, the node can answer for ever.
    await until(() => {
      if (!lost) node?.write('are you there?');
      return lost;
    }, 'the end at the node');
    expect(socket.destroyed).toBe(true);
  });

  test('resets come again and again under a rule', async () => {
    table.apply('x', [{ ...FORWARD, rule: { resetEveryMs: 20 } }]);
    for (let round = 0; round < 3; round++) {
      const { events } = await dial();
      await until(() => events.includes('close'), 'the reset');
    }
    expect(counters().resets).toBe(3);
    table.lift('x');
    const { socket, text } = await dial();
    socket.write('x');
    await until(() => text() === 'x', 'the echo');
  });

  test('where closes are slow, a reset leaves the other end half open for a while', async () => {
    const { events } = await dial();
    await until(() => accepted.length === 1, 'the connection');
    let lost = false;
    accepted[0]?.on('close', () => (lost = true));
    table.apply('x', [{ ...FORWARD, rule: { closeDelayMs: 300 } }]);
    const startMs = systemClock.now();
    table.reset([FORWARD]);
    await until(() => events.includes('close'), 'the end at the dialler');
    expect(lost).toBe(false);
    await until(() => lost, 'the end at the node');
    expect(systemClock.now() - startMs).toBeGreaterThanOrEqual(300);
    expect(counters().closesDelayed).toBe(1);
  });
});

describe('a probe', () => {
  test('measures the delay that is in force, past the counters', async () => {
    const [before] = await table.probe(FORWARD, 1, 10_000);
    table.apply('x', [{ ...FORWARD, rule: { delayMs: 60 } }]);
    const during = await table.probe(FORWARD, 3, 10_000);
    const otherWay = await table.probe(BACKWARD, 1, 10_000);
    expect(during.length).toBe(3);
    expect(Math.min(...during)).toBeGreaterThanOrEqual(60);
    expect(before).toBeLessThan(60);
    expect(Math.min(...otherWay)).toBeLessThan(60);
    expect(counters()).toMatchObject({ bytesIn: 0, connectionsTotal: 0, chunksDelayed: 0 });
  });

  test('comes back without anything where the direction is blocked', async () => {
    table.apply('x', [{ ...FORWARD, rule: { block: 'hold' } }]);
    expect(await table.probe(FORWARD, 1, 100)).toEqual([]);
    table.apply('x', [{ ...FORWARD, rule: { block: 'cut' } }]);
    expect(await table.probe(FORWARD, 1, 10_000)).toEqual([]);
  });
});

describe('over the control connection', () => {
  function connected() {
    const [there, back] = [new PassThrough(), new PassThrough()];
    const served = serveLinks(table, there, back);
    return { links: new RemoteLinks(back, there), there, served };
  }

  test('everything works, and rules of several faults are lifted one by one', async () => {
    const { links, there, served } = connected();
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const [where] = await links.open([{ from: 'client', to: 'n2', listen: '127.0.0.1:0', upstream: `127.0.0.1:${port}` }]);
    const direction = { from: 'client', to: 'n2' };
    const { socket, text, events } = await dial(Number(where?.split(':')[1]));
    const first = await links.apply([{ ...direction, rule: { block: 'hold' } }]);
    const second = await links.apply([{ ...direction, rule: { delayMs: 30 } }]);
    socket.write('a');
    await until(() => counters(direction).bytesHeld === 1, 'the byte at the link');
    expect((await links.counters()).find(({ from }) => from === 'client')).toMatchObject({ bytesForwarded: 0 });
    await first.lift();
    await until(() => text() === 'a', 'the echo');
    expect(Math.min(...(await links.probe(direction, 2, 10_000)))).toBeGreaterThanOrEqual(30);
    await second.lift();
    expect(await links.reset([direction])).toBe(1);
    await until(() => events.includes('close'), 'the reset');
    there.end();
    await served;
  });

  test('what cannot be done is said, and the end of the proxy too', async () => {
    const { links } = connected();
    await expect(links.reset([{ from: 'n1', to: 'n9' }])).rejects.toThrow('no link carries n1->n9; there are n1->n2, n2->n1');
    await expect(
      links.open([{ from: 'n1', to: 'n3', listen: `127.0.0.1:${linkPort}`, upstream: '127.0.0.1:1' }]),
    ).rejects.toThrow(/the link n1->n3 cannot listen on 127.0.0.1:\d+: .*EADDRINUSE/);
    await expect(links.open([{ from: 'n1', to: 'n3', listen: 'nowhere', upstream: '127.0.0.1:1' }])).rejects.toThrow(
      "'nowhere' is not host:port",
    );
    const silent = new PassThrough();
    const gone = new RemoteLinks(silent, new PassThrough());
    const asked = gone.counters();
    silent.end();
    await expect(asked).rejects.toThrow('the process of the links has ended');
    await expect(gone.counters()).rejects.toThrow('the process of the links has ended');
  });
});

describe('the links of one dialler behind a SOCKS 5 proxy', () => {
  const GREETING = [5, 1, 0];
  const connectTo = (lastByte: number, port = 2380) => [5, 1, 0, 1, 192, 0, 2, lastByte, port >> 8, port & 255];
  const CHOSEN = '\x05\x00';
  const reply = (code: number) => CHOSEN + String.fromCharCode(5, code, 0, 1, 0, 0, 0, 0, 0, 0);
  let proxyPort: number;

  beforeEach(async () => {
    const address = server.address();
    const upstream = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    const routes = ['n2', 'n3'].map((to, at) => ({ to, address: `192.0.2.${at + 2}:2380`, upstream }));
    const [where] = await table.open([{ from: 'n1', listen: '127.0.0.1:0', routes }]);
    proxyPort = Number(where?.split(':')[1]);
  });

  test('each carry what is for the one who was asked for, and nothing of the talk about it', async () => {
    const { socket, text } = await dial(proxyPort);
    // In whatever pieces it comes; what follows the request is for the node.
    for (const bytes of [GREETING.slice(0, 2), GREETING.slice(2), connectTo(3).slice(0, 7)]) {
      socket.write(Buffer.from(bytes));
      await sleep(systemClock, 5);
    }
    socket.write(Buffer.from([...connectTo(3).slice(7), ...Buffer.from('hello')]));
    await until(() => text() === `${reply(0)}hello`, 'the echo');
    expect(counters({ from: 'n1', to: 'n3' })).toMatchObject({ bytesIn: 5, bytesForwarded: 5, connectionsTotal: 1 });
    expect(counters({ from: 'n3', to: 'n1' })).toMatchObject({ bytesForwarded: 5 });
    expect(counters({ from: 'n1', to: 'n2' })).toMatchObject({ bytesIn: 0, connectionsTotal: 0 });
  });

  test('are held and cut one by one: a dialler believes that it is connected, as with any link', async () => {
    table.apply('a', [{ from: 'n2', to: 'n1', rule: { block: 'hold' } }]);
    const held = await dial(proxyPort);
    held.socket.write(Buffer.from([...GREETING, ...connectTo(2), ...Buffer.from('wait')]));
    await until(() => held.text() === reply(0), 'the answer to the request');
    const free = await dial(proxyPort);
    free.socket.write(Buffer.from([...GREETING, ...connectTo(3), ...Buffer.from('go')]));
    await until(() => free.text() === `${reply(0)}go`, 'the echo of the other one');
    expect(held.text()).toBe(reply(0));
    table.lift('a');
    await until(() => held.text() === `${reply(0)}wait`, 'what was held');
    table.apply('b', [{ from: 'n1', to: 'n2', rule: { block: 'cut' } }]);
    await until(() => held.events.includes('ECONNRESET'), 'the cut');
    expect(free.events).toEqual([]);
  });

  test.each([
    ['an address that is not one of the routes', [...GREETING, ...connectTo(9)], reply(4)],
    ['another command', [...GREETING, 5, 2, ...connectTo(2).slice(2)], reply(7)],
    ['a name instead of an address', [...GREETING, 5, 1, 0, 3, ...connectTo(2).slice(4)], reply(8)],
    ['no acceptable method', [5, 1, 2], '\x05\xff'],
    ['another version', [4, 1, 0], '\x05\xff'],
  ])('refuse %s', async (_, bytes, answer) => {
    const { socket, text, events } = await dial(proxyPort);
    socket.write(Buffer.from(bytes));
    await until(() => events.includes('end'), 'the end');
    expect(text()).toBe(answer);
    socket.end();
    await until(() => events.includes('close'), 'the end of the connection');
    expect(accepted).toEqual([]);
  });

  test('end while a dialler has not yet said whom it wants', async () => {
    const { socket, events } = await dial(proxyPort);
    socket.write(Buffer.from(GREETING));
    await table.close();
    await until(() => events.length > 0, 'the end');
    expect(events[0]).toMatch(/^(end|ECONNRESET)$/);
  });
});
