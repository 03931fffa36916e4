// A process that applies batches as fast as it can until it is killed, and says on standard output what was answered.
// Arguments: the database file, the seed.

import { writeSync } from 'node:fs';
import { Random } from '../../../runtime/random.ts';
import { crashEntry } from './crash-log.ts';
import { StateMachine } from '../state-machine.ts';

const [, , path = '', seed = '0'] = process.argv;
const random = new Random(Number(seed));
const machine = new StateMachine({ path });

for (;;) {
  const size = random.pick([1, 3, 20, 100]);
  machine.apply(Array.from({ length: size }, (_, at) => crashEntry(machine.appliedIndex + 1 + at)));
  writeSync(1, `${machine.appliedIndex}\n`);
}
