// Several modules as one classic script, for a page that must open from disk, where a browser loads no modules.

import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';

const IMPORT = /^import \{([^}]*)\} from '(\.[^']+)';$/gm;
const EXPORT = /^export (?:async function|function|const|class) (\w+)/gm;

/**
 * The script that `entry` is when each module below it becomes a function that returns what it exports. Understands named imports
 * and exported declarations, which is all our browser code uses; throws an Error that names the module when there is anything else.
 */
export function linkScript(entry: URL): string {
  const names = new Map<string, string>();
  const modules: string[] = [];
  const link = (url: URL): string => {
    const known = names.get(url.href);
    if (known !== undefined) return known;
    const body = javascriptOf(url).replaceAll(
      IMPORT,
      (_, imported: string, path: string) => `const {${imported.replaceAll(/ as /g, ': ')}} = ${link(new URL(path, url))};`,
    );
    const exported = [...body.matchAll(EXPORT)].map((match) => match[1] as string);
    const plain = body
      .replaceAll(EXPORT, (declaration) => declaration.slice('export '.length))
      .replaceAll(/^export \{\};$/gm, '');
    const left = /^(?:import|export)\b.*/m.exec(plain)?.[0];
    if (left !== undefined) throw new Error(`${fileURLToPath(url)} cannot be linked into a script: '${left}'`);
    const name = `module${names.size}`;
    names.set(url.href, name);
    modules.push(`const ${name} = (() => {\n${tidy(plain)}\nreturn { ${exported.join(', ')} };\n})();`);
    return name;
  };
  link(entry);
  return `(() => {\n'use strict';\n${modules.join('\n')}\n})();`;
}

function javascriptOf(url: URL): string {
  const source = readFileSync(url, 'utf8');
  return url.pathname.endsWith('.ts') ? withoutTypes(source) : source;
}

/** Node announces that this function may change; whoever reads a report need not know. It does so at once, so nothing else is silenced. */
function withoutTypes(source: string): string {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Without the lines that only held types or comments. */
function tidy(source: string): string {
  return source
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !/^\s*(?:\/\/|\/\*\*|\*)/.test(line))
    .join('\n');
}
