// The pieces that our markdown is made of: for comments on pull requests, where no text of a result may become markup.

/** The first and the last column to the left, numbers to the right. */
export function grid(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = heads.map((_, at) => (at === 0 || at === heads.length - 1 ? '---' : '--:'));
  return [heads, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function folded(title: string, content: string): string {
  return `<details><summary>${title}</summary>\n\n${content}\n\n</details>`;
}

/**
 * Text of a result. Inside a code element nothing is a mention or a reference to an issue; and what could be markup, end a cell
 * or begin a link is written as an entity, which never is.
 */
export function code(text: string): string {
  const escaped = text.replaceAll(
    /[^\p{L}\p{N} ,%()/–·→-]|\.(?!\d)|(?<!\d)\./gu,
    (character) => `&#${character.codePointAt(0)};`,
  );
  return `<code>${escaped}</code>`;
}
