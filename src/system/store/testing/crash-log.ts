// The log that the crash test applies: an endless sequence of entries, each a function of its index.

import { encodeCommand } from '../command.ts';
import type { AppliedEntry } from '../state-machine.ts';

/**
 * Entry 1 creates the table, entry i adds a row and adds i to the sum in one command, and every seventh fails after having done
 * both. Three clients with sessions take turns.
 */
export function crashEntry(index: number): AppliedEntry {
  const client = index % 3;
  const sequence = Math.floor(index / 3) + 1;
  const insert = `insert into rows values (${index}, '${'x'.repeat(index % 500)}'); update total set sum = sum + ${index}`;
  const sql =
    index === 1
      ? 'create table rows (id integer primary key, filler); create table total (sum); insert into total values (0)'
      : index % 7 === 0
        ? `${insert}; insert into rows values (${index}, 'again')`
        : insert;
  const data = encodeCommand({
    clientId: `client-${client}`,
    sequence,
    oldestPending: Math.max(1, sequence - 3),
    sql,
    params: [],
  });
  return { index, data };
}
