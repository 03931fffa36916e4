// The proxy's end of SOCKS 5 (RFC 1928), as much of it as a dialler needs who says whom it dials: no authentication, CONNECT, IPv4
// addresses.

import type { Socket } from 'node:net';

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const NO_ACCEPTABLE_METHOD = 0xff;
const CONNECT = 1;
const IPV4 = 1;
const REQUEST_BYTES = 10;

const SUCCEEDED = 0;
const HOST_UNREACHABLE = 4;
const COMMAND_NOT_SUPPORTED = 7;
const ADDRESS_TYPE_NOT_SUPPORTED = 8;

/**
 * Talks with a dialler until it has said whom it dials. Then it is told that it is connected, before anybody is: as with any link,
 * the dialler's connection is to the link, and what it finds out about the node comes behind it.
 * @param dialler not read from yet; handed to `carry` in that state. One that asks for what is not here is refused.
 * @param find the route to an address, host:port.
 */
export function acceptSocks<Route>(
  dialler: Socket,
  find: (address: string) => Route | undefined,
  carry: (route: Route) => void,
): void {
  let received = Buffer.alloc(0);
  let greeted = false;
  const refuse = (answer: Buffer) => {
    dialler.off('data', onData);
    dialler.end(answer);
    dialler.resume();
  };
  const onData = (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    if (!greeted) {
      const methods = received[1];
      if (methods === undefined || received.length < 2 + methods) return;
      const acceptable = received[0] === VERSION && received.subarray(2, 2 + methods).includes(NO_AUTHENTICATION);
      if (!acceptable) return refuse(Buffer.from([VERSION, NO_ACCEPTABLE_METHOD]));
      received = received.subarray(2 + methods);
      greeted = true;
      dialler.write(Buffer.from([VERSION, NO_AUTHENTICATION]));
    }
    if (received.length < REQUEST_BYTES) return;
    const { problem, address } = parseRequest(received);
    const route = find(address);
    if (problem !== undefined) return refuse(reply(problem));
    if (route === undefined) return refuse(reply(HOST_UNREACHABLE));
    dialler.off('data', onData);
    dialler.pause();
    if (received.length > REQUEST_BYTES) dialler.unshift(received.subarray(REQUEST_BYTES));
    dialler.write(reply(SUCCEEDED));
    carry(route);
  };
  dialler.on('data', onData);
  dialler.resume();
}

function parseRequest(bytes: Buffer): { readonly address: string; readonly problem?: number } {
  const address = `${[...bytes.subarray(4, 8)].join('.')}:${bytes.readUInt16BE(8)}`;
  if (bytes[1] !== CONNECT) return { address, problem: COMMAND_NOT_SUPPORTED };
  if (bytes[3] !== IPV4) return { address, problem: ADDRESS_TYPE_NOT_SUPPORTED };
  return { address };
}

/** The address that a reply carries means nothing to a dialler that asked for a connection. */
function reply(code: number): Buffer {
  return Buffer.from([VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0]);
}
