#!/usr/bin/env node
// Starts the command line on Node >= 26. Plain JavaScript, because it must run on the older Node that a machine may have
// first on its PATH: it then hands over to the pinned Node that `npm ci` installed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as modules from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// A checkout runs its sources (Node strips the types); the published package has only dist/, because Node refuses to strip
// types below node_modules.
const source = join(root, 'src', 'cli', 'main.ts');
const entry = existsSync(source) ? source : join(root, 'dist', 'src', 'cli', 'main.js');

if (Number(process.versions.node.split('.')[0]) >= 26) {
  // Stripping types and compiling is half of a start, and a run starts many processes: those of a node, and below them its readers,
  // find the cache by the environment. It is Node's own, and NODE_DISABLE_COMPILE_CACHE turns it off.
  process.env.NODE_COMPILE_CACHE ||= join(tmpdir(), 'node-compile-cache');
  modules.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  const { main } = await import(entry);
  await main(process.argv.slice(2));
} else {
  const node = pinnedNode();
  if (node === undefined) {
    process.stderr.write(
      `windtunnel needs Node 26 or newer; this is ${process.version}, and no pinned Node is installed (run npm ci, or install Node 26).\n`,
    );
    process.exit(1);
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to the whole process group, so the child already has it; a signal sent to this process alone
  // (kill, a supervisor) must be passed on.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function pinnedNode() {
  const require = modules.createRequire(import.meta.url);
  try {
    const path = join(dirname(require.resolve(`node-linux-${process.arch}/package.json`)), 'bin', 'node');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
