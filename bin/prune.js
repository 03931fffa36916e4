// Part of the Dockerfile: removes from node_modules what only development needs, as package-lock.json says, and what no program
// loads. `npm prune` would do the first, but a base image may lack npm.
import { existsSync, globSync, readdirSync, readFileSync, rmSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
for (const [path, { dev, devOptional }] of Object.entries(packages)) {
  // The pinned Node: the image has one already.
  if (dev || devOptional || path.startsWith('node_modules/node-linux-')) rmSync(path, { recursive: true, force: true });
}
for (const file of globSync('node_modules/**/*.{map,md,d.ts,d.mts,d.cts}')) rmSync(file, { force: true });
for (const folder of ['node_modules/.bin', 'node_modules/.cache', 'node_modules/.vite'])
  rmSync(folder, { recursive: true, force: true });
for (const scope of readdirSync('node_modules').filter((name) => name.startsWith('@'))) {
  if (readdirSync(`node_modules/${scope}`).length === 0) rmSync(`node_modules/${scope}`, { recursive: true });
}
const missing = Object.entries(packages).filter(
  ([path, { dev, optional, devOptional }]) => path !== '' && !dev && !optional && !devOptional && !existsSync(path),
);
if (missing.length > 0) {
  process.stderr.write(`node_modules lacks ${missing.map(([path]) => path).join(', ')}: run npm ci before the image is built\n`);
  process.exit(1);
}
