// `windtunnel image`: the container image of this checkout.

import { EXIT } from '../harness/report/exit.ts';
import { type Command, UsageError } from './command.ts';

export const image: Command = {
  name: 'image',
  summary: 'Build the container image of this checkout when it is not there, and print its name',
  arguments: '',
  options: {},
  notes: `Its base is what the Dockerfile says, or what WINDTUNNEL_BASE_IMAGE names. --target docker builds it by itself.

Example:
  docker run --rm "$(windtunnel image)" run --list`,
  async run({ positionals }) {
    if (positionals.length > 0) throw new UsageError(`image takes no arguments, not '${positionals.join(' ')}'`);
    // Only now: Testcontainers takes half a second to load.
    const { dockerEngine } = await import('../harness/launch/docker-engine.ts');
    const { imageOfCheckout } = await import('../harness/launch/docker-image.ts');
    const name = await imageOfCheckout(await dockerEngine(), (wanted) => process.stderr.write(`building ${wanted}\n`));
    process.stdout.write(`${name}\n`);
    return EXIT.passed;
  },
};
