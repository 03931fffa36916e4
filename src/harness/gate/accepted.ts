// results/accepted.json: the slowdowns that were wanted, reviewed like code. Each holds for gates across the commit that it names, and for
// no other: once BASE has the commit too, there is nothing to accept any more.

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Clock } from '../../runtime/clock.ts';
import { LEAST_CHANGE } from '../compare/gate-rule.ts';
import { git } from '../result/environment.ts';
import { type Acceptance, acceptanceSchema, type GateSubject } from '../result/gate.ts';
import type { Tree } from './trees.ts';

/** A file of acceptances that cannot be used. The message names the field. */
export class AcceptanceError extends Error {
  override readonly name = 'AcceptanceError';
}

/** Empty when there is no such file. @throws AcceptanceError */
export async function readAccepted(path: string): Promise<Acceptance[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new AcceptanceError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AcceptanceError(`${path} is not JSON: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`, { cause: error });
  }
  const checked = z.array(acceptanceSchema).safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const place = issue?.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('') ?? '';
  throw new AcceptanceError(`${path}: ${place.replace(/^\./, '') || 'the whole'}: ${issue?.message ?? 'does not fit'}`);
}

/** Those whose commit is part of HEAD and not of BASE. */
export async function acceptancesBetween(
  accepted: readonly Acceptance[],
  base: Tree,
  head: Tree,
  clock: Clock,
): Promise<Acceptance[]> {
  const isIn = async (commit: string, tree: Tree) =>
    (await git(head.folder, clock, 'merge-base', '--is-ancestor', commit, tree.commit)) !== undefined;
  const holding: Acceptance[] = [];
  for (const each of accepted) {
    if ((await isIn(each.commit, head)) && !(await isIn(each.commit, base))) holding.push(each);
  }
  return holding;
}

/**
 * The subject, accepted when its estimate is beyond the ratio of one of them by at most 3 %. The reviewer wrote down what one run said,
 * and the next says a little more or less: what is beyond it by 3 % is a slowdown for the gate like any other, what is not is none. The
 * interval does not count, because the wider it is, the more would pass. Where more is better, less than 1 is slower.
 */
export function accept(subject: GateSubject, acceptances: readonly Acceptance[]): GateSubject {
  const { verdict, better, first, id } = subject;
  if (verdict !== 'slower' || first.ratio === undefined) return subject;
  const slowdown = slowdownOf(first.ratio, better);
  const acceptance = acceptances.find(
    ({ benchmark, ratio }) => benchmark === id && slowdown <= slowdownOf(ratio, better) + LEAST_CHANGE,
  );
  return acceptance === undefined ? subject : { ...subject, verdict: 'accepted', acceptance };
}

/** ln of how much slower; above 0 whether less is better or more. */
function slowdownOf(ratio: number, better: GateSubject['better']): number {
  return better === 'lower' ? Math.log(ratio) : -Math.log(ratio);
}
