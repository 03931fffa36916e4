import { expect, test } from 'vitest';
import { NodeAddresses } from './addresses.ts';

const peers = new Map([
  ['n2', 'n2:7401'],
  ['n3', 'n3:7401'],
]);
const own = { id: 'n1', listen: '0.0.0.0:7401', peers };
const advertised = new Map([
  ['n1', ['n1:7401', '127.0.0.1:7401']],
  ['n2', ['n2:7401', '127.0.0.1:7402']],
  ['n3', ['n3:7401']],
]);

test('without anything advertised nodes are where their peers reach them', () => {
  const addresses = new NodeAddresses(own);
  expect(addresses.of('n2', '127.0.0.1:7401')).toBe('n2:7401');
  expect(addresses.of('n1')).toBe('0.0.0.0:7401');
  expect(addresses.of('n9')).toBe('');
  expect(addresses.members).toEqual(['n1', 'n2', 'n3']);
});

test('a client is told the addresses of the network that it called in', () => {
  const addresses = new NodeAddresses({ ...own, advertised });
  expect(addresses.of('n2', 'n1:7401')).toBe('n2:7401');
  expect(addresses.of('n2', '127.0.0.1:7401')).toBe('127.0.0.1:7402');
  expect(addresses.of('n1', '127.0.0.1:7401')).toBe('127.0.0.1:7401');
  // Over HTTP, which has another port.
  expect(addresses.of('n2', '127.0.0.1:7404')).toBe('127.0.0.1:7402');
});

test('two networks with one host are told apart by the port', () => {
  const tunnels = new Map([
    ['n1', ['127.0.0.1:7401', '127.0.0.1:9401']],
    ['n2', ['127.0.0.1:7402', '127.0.0.1:9402']],
  ]);
  expect(new NodeAddresses({ ...own, advertised: tunnels }).of('n2', '127.0.0.1:9401')).toBe('127.0.0.1:9402');
});

test('of a network that is not advertised, or in which a node has no address, it is the first', () => {
  const addresses = new NodeAddresses({ ...own, advertised });
  expect(addresses.of('n2', 'tunnel:1')).toBe('n2:7401');
  expect(addresses.of('n2')).toBe('n2:7401');
  expect(addresses.of('n3', '127.0.0.1:7401')).toBe('n3:7401');
});
