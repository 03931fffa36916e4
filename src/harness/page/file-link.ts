// Files that lie beside run.json. The page links to them when it lies there too; elsewhere it only names them.

import { type Part, markup } from './markup.ts';

/** A path relative to the folder of run.json, as a link or as text. */
export type FileLink = (path: string) => Part;

export function fileLink(isBesideResult: boolean): FileLink {
  return (path) => {
    const name = markup`<code>${path}</code>`;
    return isBesideResult && isBelow(path)
      ? markup`<a href="${path.split('/').map(encodeURIComponent).join('/')}">${name}</a>`
      : name;
  };
}

/** No address, no absolute path, no way up: a result that was tampered with sends nobody anywhere. */
export function isBelow(path: string): boolean {
  return !/^[/\\]|^[a-z][a-z0-9+.-]*:/i.test(path) && !path.split(/[/\\]/).includes('..');
}
