// Known-bad nodes, for tests only: proof that the checkers find what they are there to find. A node says on its standard
// output that it is one.

import type { Clock } from '../../runtime/clock.ts';
import type { LogFile, LogFolder } from './log-files.ts';

/**
 * - `stale-reads`: answers reads from local state without asking whether it is up to date, through a cache that no write
 *   invalidates. Without the cache a canary that happens to lead would be right all the time.
 * - `ack-before-fsync`: says that its log is on disk when it is in the memory of the process; see `forgetfulFolder`.
 * - `lost-dedup`: forgets which writes of a session it has applied, so that a retried write is applied twice.
 * - `slow-requests`: takes SLOW_REQUEST_MS longer for every request. Right, and a regression.
 */
export type Canary = (typeof CANARIES)[number];

const CANARIES = ['stale-reads', 'ack-before-fsync', 'lost-dedup', 'slow-requests'] as const;

export const SLOW_REQUEST_MS = 30;

/**
 * Which canaries this process is, from WINDTUNNEL_CANARY, several with commas; empty for a good node.
 * @throws RangeError for an unknown name.
 */
export function canariesOf(environment: NodeJS.ProcessEnv): ReadonlySet<Canary> {
  const names = (environment['WINDTUNNEL_CANARY'] ?? '').split(',').filter((name) => name !== '');
  return new Set(
    names.map((name) => {
      const canary = CANARIES.find((each) => each === name);
      if (canary === undefined) throw new RangeError(`WINDTUNNEL_CANARY is of ${CANARIES.join(', ')}, not '${name}'`);
      return canary;
    }),
  );
}

const LIFETIME_MS = 2_000;

/** Answers that were right up to two seconds ago. */
export class StaleCache<T> {
  readonly #answers = new Map<string, { readonly answer: T; readonly fromMs: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async get(key: string, ask: () => Promise<T>): Promise<T> {
    const cached = this.#answers.get(key);
    if (cached !== undefined && this.#clock.now() - cached.fromMs < LIFETIME_MS) return cached.answer;
    const answer = await ask();
    this.#answers.set(key, { answer, fromMs: this.#clock.now() });
    return answer;
  }
}

/** How long what is said to be durable stays in memory. */
export const FORGETFUL_MS = 400;

/**
 * A folder whose files keep what is appended in the memory of the process for FORGETFUL_MS, and say at once that it is durable.
 * Memory, because a process that is killed leaves its unsynced writes to the operating system, and only a loss of power would show
 * them. Every append waits that long by itself: whenever the process dies, it has forgotten the last FORGETFUL_MS, and never less.
 * The beginning of a file goes through: without its header a segment would be a damaged one, and not an older one.
 */
export function forgetfulFolder(folder: LogFolder, clock: Clock): LogFolder {
  return {
    list: () => folder.list(),
    open: async (name) => forgetfulFile(await folder.open(name), clock, false),
    create: async (name) => forgetfulFile(await folder.create(name), clock, true),
    remove: (name) => folder.remove(name),
    sync: () => folder.sync(),
  };
}

function forgetfulFile(file: LogFile, clock: Clock, isNew: boolean): LogFile {
  const waiting: Uint8Array[] = [];
  let beginning = isNew;
  let writing: Promise<void> = Promise.resolve();
  const write = (count: number) => {
    const bytes = Buffer.concat(waiting.splice(0, count));
    if (bytes.byteLength > 0) writing = writing.then(() => file.append(bytes));
    return writing;
  };
  return {
    read: (offset, length) => file.read(offset, length),
    async append(bytes) {
      if (beginning) {
        beginning = false;
        await file.append(bytes);
        return;
      }
      const copy = Uint8Array.from(bytes);
      waiting.push(copy);
      // What was written for another reason is not waiting any more. A write that fails leaves a gap, and what follows it would
      // not be read back: a canary need not be told.
      clock.scheduleBackground(FORGETFUL_MS, () => void write(waiting.indexOf(copy) + 1).catch(() => {}));
    },
    async truncate(size) {
      await write(waiting.length);
      await file.truncate(size);
    },
    sync: async () => {},
    async close() {
      await write(waiting.length);
      await file.close();
    },
  };
}
