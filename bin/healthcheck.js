// The health check of the container image. A node is healthy when its HTTP server says so at /healthz, or at the path that is given; the harness serves nothing, and is as
// healthy as its process.
import { readFileSync } from 'node:fs';

const words = readFileSync('/proc/1/cmdline', 'utf8').split('\0');
const http = words
  .find((word) => word.startsWith('--http='))
  ?.split(':')
  .at(-1);
if (http !== undefined) {
  const { status } = await fetch(`http://127.0.0.1:${http}${process.argv[2] ?? '/healthz'}`, {
    signal: AbortSignal.timeout(2_000),
  });
  if (status !== 200) process.exit(1);
}
