import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { type Contest, ContestError, DisturbedError, type Metric, type Pair, type RoundKind, ViolationError } from './contest.ts';
import { playRounds, type PlayOptions } from './play-rounds.ts';

const clock = () => new VirtualClock();

function options(over: Partial<PlayOptions> = {}): PlayOptions {
  return {
    budgetMs: 3_600_000,
    cores: [0, 1],
    random: new Random(1),
    clock: clock(),
    signal: new AbortController().signal,
    onProgress: () => {},
    ...over,
  };
}

type Play = (which: RoundKind, round: number) => readonly Pair[];

/** A contest of which a round takes `tookMs`. */
class FakeContest implements Contest {
  readonly kind = 'scenario';
  readonly id: string;
  readonly metrics: readonly Metric[];
  readonly played: RoundKind[] = [];
  readonly #play: Play;
  readonly #clock: VirtualClock | undefined;

  constructor(id: string, play: Play, better: readonly Metric['better'][] = ['lower'], onClock?: VirtualClock) {
    this.id = id;
    this.metrics = better.map((each, at) => ({ id: `${id} ${at}`, unit: 'ms', better: each }));
    this.#play = play;
    this.#clock = onClock;
  }

  async play(which: RoundKind): Promise<readonly Pair[]> {
    this.played.push(which);
    this.#clock?.advance(1_000);
    return Promise.resolve(this.#play(which, this.played.length));
  }
}

/** Noise of about a percent that is the same in every run. */
const noise = new Random(7);
const about = (value: number) => value * (1 + 0.01 * (noise.float() - 0.5));
const times =
  (factor: number): Play =>
  () => [{ base: about(10), head: about(10 * factor) }];

test('what is the same needs ten rounds, what is slower among two twenty, and ten fresh ones to confirm it', async () => {
  const [same, slower] = [new FakeContest('same', times(1)), new FakeContest('slower', times(1.2))];
  const series = await playRounds([same, slower], options());
  expect(series.map(({ metric, first, rerun }) => [metric.id, first.length, rerun.length])).toEqual([
    ['same 0', 10, 0],
    ['slower 0', 20, 10],
  ]);
  expect(series[1]?.base).toHaveLength(30);
});

test('where more is better, less is slower: it is confirmed, and more is not', async () => {
  const of = (factor: number) => new FakeContest(`times ${factor}`, times(factor), ['higher']);
  const series = await playRounds([of(0.8), of(1.2)], options());
  expect(series.map(({ rerun }) => rerun.length)).toEqual([10, 0]);
  // As it was measured: HEAD / BASE.
  expect(Math.exp(series[0]?.first[0] ?? 0)).toBeCloseTo(0.8, 1);
});

test('all metrics of a contest have the same rounds, until something can be said of each', async () => {
  let side = 1;
  const noisy = () => {
    side = -side;
    return { base: 10, head: 10 * (1 + 0.3 * side) };
  };
  const contest = new FakeContest('two', () => [{ base: about(10), head: about(10) }, noisy()], ['lower', 'lower']);
  const series = await playRounds([contest], options());
  expect(series.map(({ first }) => first.length)).toEqual([30, 30]);
});

test('a contest that fails is out, and the others are not; a wrong answer is told from a failure', async () => {
  const failing = new FakeContest('failing', (_, round) => {
    if (round === 3) throw new ContestError('BASE: no such thing');
    return [{ base: 1, head: 1 }];
  });
  const wrong = new FakeContest('wrong', () => {
    throw new ViolationError('HEAD answered what is wrong');
  });
  const series = await playRounds([failing, wrong, new FakeContest('same', times(1))], options());
  expect(series.map(({ first, error, violated }) => [first.length, error, violated])).toEqual([
    [2, 'BASE: no such thing', false],
    [0, 'HEAD answered what is wrong', true],
    [10, undefined, false],
  ]);
});

test('a round that was disturbed is played again, and a contest that only is disturbed is given up', async () => {
  const once = new FakeContest('once', (which, round) => {
    if (round === 4) throw new DisturbedError('BASE: the generator was late');
    return times(1)(which, round);
  });
  const always = new FakeContest('always', () => {
    throw new DisturbedError('HEAD: the generator was late');
  });
  const [first, second] = await playRounds([once, always], options());
  expect([once.played.length, first?.first.length, first?.disturbed]).toEqual([11, 10, undefined]);
  expect([always.played.length, second?.error, second?.disturbed]).toEqual([5, undefined, 'HEAD: the generator was late']);
});

test('disturbances count in a row: a round between them begins anew', async () => {
  const often = new FakeContest('often', (which, round) => {
    if (round % 5 !== 0) throw new DisturbedError('BASE: the generator was late');
    return times(1)(which, round);
  });
  const [series] = await playRounds([often], options());
  expect([series?.first.length, often.played.length, series?.disturbed]).toEqual([10, 50, undefined]);
});

test('an error that is none of a contest ends all', async () => {
  const broken = new FakeContest('broken', () => {
    throw new TypeError('a mistake of ours');
  });
  await expect(playRounds([broken], options())).rejects.toThrow('a mistake of ours');
});

test('when the budget is over, what was measured is the result; a share of it is kept for what is to be confirmed', async () => {
  const time = clock();
  const contests = ['a', 'b'].map((id) => new FakeContest(id, times(1.2), ['lower'], time));
  const series = await playRounds(contests, options({ clock: time, budgetMs: 10_000 }));
  expect(series.map(({ first }) => first.length).toSorted((a, b) => a - b)).toEqual([4, 5]);
});

test('when it is aborted, the round under way does not count, whatever it threw', async () => {
  const controller = new AbortController();
  const contest = new FakeContest('aborted', (which, round) => {
    if (round < 3) return times(1)(which, round);
    controller.abort(new Error('Ctrl-C'));
    throw new ContestError('the cluster was stopped');
  });
  const [series] = await playRounds([contest], options({ signal: controller.signal }));
  expect([contest.played.length, series?.first.length, series?.error]).toEqual([3, 2, undefined]);
});

test('what is left is told from how long each took', async () => {
  const time = clock();
  const left: (number | undefined)[] = [];
  const contest = new FakeContest('timed', times(1), ['lower'], time);
  await playRounds([contest], options({ clock: time, onProgress: ({ remainingMs }) => left.push(remainingMs) }));
  expect(left).toEqual([undefined, ...[9, 8, 7, 6, 5, 4, 3, 2, 1].map((rounds) => rounds * 1_000)]);
});
