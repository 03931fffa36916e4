// A neighbour that works in bursts, to measure beside. It ends when its IPC channel does.

import { systemClock } from '../../runtime/clock.ts';
import { freshSeed, Random } from '../../runtime/random.ts';

const random = new Random(freshSeed());

function burst(): void {
  const endMs = systemClock.now() + random.exponential(40);
  const garbage: number[][] = [];
  while (systemClock.now() < endMs) {
    garbage.push(Array.from({ length: 200 }, (_, at) => at));
    if (garbage.length > 2_000) garbage.length = 0;
  }
  systemClock.schedule(random.exponential(40), burst);
}

process.on('disconnect', () => process.exit(0));
burst();
