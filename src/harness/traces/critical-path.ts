// Where the time of one request went, at each moment from the scheduled instant to its end.
//
// From the end backwards: of the children of a span, the one that ended last is what was waited for; before its start, the
// one that ended last before that; what no child covers is the span's own. A write's wait for its quorum is looked up in the
// batch that carried it: of appending, and replicating to each peer, what ended last before the commit completed the
// majority. (The walk is that of CRISP, Zhang et al., USENIX ATC 2022.)

import type { PathPart } from '../result/schema.ts';
import { type AssembledTrace, linkedSpans, rootOf, SpanChildren } from './assembly.ts';
import { type Placed, placeChild, placeRoot } from './placement.ts';
import type { ReceivedSpan } from './received-span.ts';

/** Whole microseconds by part. They add up to the duration of the root exactly. */
export type PathTimes = ReadonlyMap<PathPart, number>;

/** Of a trace that has a root. */
export function criticalPath(trace: AssembledTrace): PathTimes {
  const { root } = trace;
  const walk = new PathWalk(trace);
  if (root !== undefined) walk.walk(placeRoot(root, root.startMs), false);
  return walk.times;
}

/** Ends that were recorded in the same turn of an event loop may lie a little out of order. */
const TOLERANCE_US = 10;

class PathWalk {
  readonly times = new Map<PathPart, number>();
  readonly #trace: AssembledTrace;
  readonly #children: SpanChildren;

  constructor(trace: AssembledTrace) {
    this.#trace = trace;
    this.#children = new SpanChildren([...trace.spans, ...[...trace.linked.values()].flat()]);
  }

  /** Spends the time of a span, which may have been cut to the part of it that was waited for. */
  walk(placed: Placed, isPeer: boolean): void {
    const { span } = placed;
    if (span.name === 'retry.attempt' && failed(span)) return this.#spend('failed attempts', placed.fromUs, placed.toUs);
    if (span.name === 'raft.quorum') return this.#walkQuorum(placed);
    const all = this.#childrenOf(span).map((child, _, siblings) => placeChild(child, placed, siblings));
    const own = ownPart(placed, all, isPeer);
    let endUs = placed.toUs;
    for (const left = new Set(all); endUs > placed.fromUs;) {
      const last = lastOf([...left], endUs, placed.fromUs);
      if (last === undefined) break;
      left.delete(last);
      const cut = { ...last, fromUs: Math.max(last.fromUs, placed.fromUs), toUs: Math.min(last.toUs, endUs) };
      this.#spend(own(cut.toUs, endUs), cut.toUs, endUs);
      this.walk(cut, isPeer || span.name === 'raft.replicate');
      endUs = cut.fromUs;
    }
    this.#spend(own(placed.fromUs, endUs), placed.fromUs, endUs);
  }

  /** Only what had ended by the commit can have brought it about, and only what had ended before that began was waited for by it. */
  #walkQuorum(quorum: Placed): void {
    const batch = rootOf(linkedSpans(this.#trace, quorum.span, 'raft.batch'));
    let endUs = quorum.toUs;
    if (batch !== undefined) {
      const placed = placeChild(batch, quorum);
      const left = this.#childrenOf(batch).map((child) => placeChild(child, placed));
      let beforeUs = Math.min(placed.toUs, quorum.toUs) + TOLERANCE_US;
      for (;;) {
        const ended = left.filter((child) => child.toUs <= beforeUs);
        const last = lastOf(ended, endUs, quorum.fromUs);
        if (last === undefined) break;
        const cut = { ...last, fromUs: Math.max(last.fromUs, quorum.fromUs), toUs: Math.min(last.toUs, endUs) };
        this.#spend('quorum', cut.toUs, endUs);
        this.walk(cut, false);
        endUs = cut.fromUs;
        beforeUs = last.fromUs + TOLERANCE_US;
        left.splice(left.indexOf(last), 1);
      }
    }
    this.#spend('quorum', quorum.fromUs, endUs);
  }

  /** A sync that stands beside the append it belongs to is taken as a part of it. */
  #childrenOf(span: ReceivedSpan): readonly ReceivedSpan[] {
    const all = this.#children.of(span);
    if (span.name === 'raft.append') {
      const siblings = this.#siblingsOf(span);
      return [...all, ...siblings.filter((each) => isWithin(each, span))];
    }
    return all.filter((child) => !all.some((other) => isWithin(child, other)));
  }

  #siblingsOf({ parentSpanId, traceId }: ReceivedSpan): readonly ReceivedSpan[] {
    const trace = traceId === this.#trace.traceId ? this.#trace.spans : (this.#trace.linked.get(traceId) ?? []);
    return trace.filter((each) => each.parentSpanId !== undefined && each.parentSpanId === parentSpanId);
  }

  #spend(part: PathPart, fromUs: number, toUs: number): void {
    if (toUs > fromUs) this.times.set(part, (this.times.get(part) ?? 0) + toUs - fromUs);
  }
}

function isWithin(sync: ReceivedSpan, append: ReceivedSpan): boolean {
  return (
    sync.name === 'raft.fsync' &&
    append.name === 'raft.append' &&
    sync.instance === append.instance &&
    sync.startMs < append.endMs &&
    sync.endMs > append.startMs
  );
}

/** The one that ends last within what is left; of several the one that began last. */
function lastOf(all: readonly Placed[], endUs: number, fromUs: number): Placed | undefined {
  let found: Placed | undefined;
  for (const each of all) {
    const toUs = Math.min(each.toUs, endUs);
    if (toUs <= Math.max(each.fromUs, fromUs)) continue;
    const foundUs = found === undefined ? -Infinity : Math.min(found.toUs, endUs);
    if (toUs > foundUs || (toUs === foundUs && each.fromUs > (found?.fromUs ?? 0))) found = each;
  }
  return found;
}

/** What the time of a span is that none of its children took, by where it lies. */
function ownPart({ span }: Placed, children: readonly Placed[], isPeer: boolean): (fromUs: number, toUs: number) => PathPart {
  if (span.name === 'load.operation') {
    const sentUs = Math.min(...children.map(({ fromUs }) => fromUs));
    return (_, toUs) => (toUs <= sentUs && children.length > 0 ? 'generator wait' : 'other');
  }
  if (span.name === 'client.execute') {
    const attempts = children.filter((child) => child.span.name === 'retry.attempt');
    return (fromUs, toUs) =>
      attempts.some((each) => each.toUs <= fromUs) && attempts.some((each) => each.fromUs >= toUs) ? 'retry pause' : 'other';
  }
  const part = partOf(span, children, isPeer);
  return () => part;
}

function partOf(span: ReceivedSpan, children: readonly Placed[], isPeer: boolean): PathPart {
  const part = partByName(span, isPeer);
  if (part !== undefined) return part;
  if (children.some((child) => child.span.kind === 'server')) return 'network';
  return span.kind === 'server' ? 'server' : 'other';
}

/** The part that a span of ours is by its name; undefined for those that are what their children are not. */
export function partByName({ name, service }: ReceivedSpan, isPeer: boolean): PathPart | undefined {
  if (name === 'pool.acquire' && service === NODE_SERVICE) return 'reader wait';
  if (isPeer && name === 'raft.append') return 'peer append';
  if (isPeer && name === 'raft.fsync') return 'peer fsync';
  return PARTS[name];
}

const PARTS: Readonly<Record<string, PathPart>> = {
  'pool.acquire': 'pool wait',
  'raft.mailbox': 'mailbox',
  'raft.append': 'append',
  'raft.fsync': 'fsync',
  'raft.replicate': 'peer network',
  'store.apply': 'apply',
  'raft.read-index': 'read-index',
  'store.read': 'read',
};

/** `service.name` of our nodes. */
const NODE_SERVICE = 'windtunnel-node';

function failed({ error, attributes }: ReceivedSpan): boolean {
  return error !== undefined || attributes['error.type'] !== undefined;
}
