// Makes one part of the page like another, and leaves alone what is alike already: what the reader has focused, opened or scrolled
// stays as it is.

/** Their insides are drawn in the browser; only what stands above them may change. */
const DRAWN = '[data-chart], [data-heat]';

/** What tells elements of a kind apart. */
const NAMES = ['id', 'class', 'data-title', 'data-roles'] as const;

/** Makes attributes and content of `old` those of `next`, whose nodes may be moved into it. */
export function morph(old: Element, next: Element): void {
  morphAttributes(old, next);
  if (!old.matches(DRAWN)) morphChildren(old, next);
  else morph(old.querySelector('figcaption') as Element, next.querySelector('figcaption') as Element);
}

function morphAttributes(old: Element, next: Element): void {
  const keeps = (name: string) => name === 'open' && old instanceof HTMLDetailsElement;
  for (const name of old.getAttributeNames()) if (!next.hasAttribute(name) && !keeps(name)) old.removeAttribute(name);
  for (const name of next.getAttributeNames()) {
    const value = next.getAttribute(name) as string;
    if (old.getAttribute(name) !== value && !keeps(name)) old.setAttribute(name, value);
  }
}

/** Both have their parts in the same order, so each is looked for behind the one before it. */
function morphChildren(old: Element, next: Element): void {
  let at: ChildNode | null = old.firstChild;
  for (const child of Array.from(next.childNodes)) {
    const same = findAlike(at, child);
    if (same === null) {
      old.insertBefore(child, at);
      continue;
    }
    at = removeUntil(at, same);
    if (same instanceof Element) morph(same, child as Element);
    else if (same.nodeValue !== child.nodeValue) same.nodeValue = child.nodeValue;
    at = same.nextSibling;
  }
  removeUntil(at, null);
}

function findAlike(from: ChildNode | null, wanted: ChildNode): ChildNode | null {
  for (let node = from; node !== null; node = node.nextSibling) if (isAlike(node, wanted)) return node;
  return null;
}

function isAlike(one: ChildNode, other: ChildNode): boolean {
  if (one.nodeName !== other.nodeName) return false;
  if (!(one instanceof Element && other instanceof Element)) return true;
  return NAMES.every((name) => one.getAttribute(name) === other.getAttribute(name));
}

/** Removes the nodes from one up to another, which it gives. */
function removeUntil(from: ChildNode | null, until: ChildNode | null): ChildNode | null {
  let node = from;
  while (node !== null && node !== until) {
    const following: ChildNode | null = node.nextSibling;
    node.remove();
    node = following;
  }
  return until;
}
