// results/accepted.json: the slowdowns that were wanted, reviewed like code. Each holds for gates across the commit that it names, and for
// no other: once BASE has the commit too, there is nothing to accept any more.

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Clock } from '../../runtime/clock.ts';
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
 * The subject, accepted when it is slower by no more than one of them allows: its interval reaches down to that ratio. Where more is
 * better, less than 1 is slower, and it reaches up.
 */
export function accept(subject: GateSubject, acceptances: readonly Acceptance[]): GateSubject {
  const [low, high] = subject.first.interval ?? [];
  if (subject.verdict !== 'slower' || low === undefined || high === undefined) return subject;
  const acceptance = acceptances.find(
    ({ benchmark, ratio }) => benchmark === subject.id && (subject.better === 'lower' ? low <= ratio : high >= ratio),
  );
  return acceptance === undefined ? subject : { ...subject, verdict: 'accepted', acceptance };
}
