// What an HTTP request came to, in Jepsen's words. The same for every engine that sends requests.

import type { Answer } from '../load/operation.ts';
import type { ValidHttp } from '../scenario/valid-scenario.ts';

type Request = Pick<ValidHttp, 'method' | 'expectStatus'>;

/** The codes of requests that got no answer, beside those of the operating system (ECONNREFUSED, ECONNRESET, ...). */
export const DEADLINE_EXCEEDED = 'deadline-exceeded';
export const CANCELLED = 'cancelled';
/** What came is not HTTP. */
export const INVALID_RESPONSE = 'invalid-response';

/** An answer came, whole. One that was not expected has a code such as HTTP_503. */
export function answered(request: Request, status: number): Answer {
  const { expectStatus } = request;
  const expected = expectStatus === undefined ? status >= 200 && status <= 299 : expectStatus.includes(status);
  if (expected) return { outcome: 'ok' };
  return { outcome: outcomeOf(request, saysNothing(status)), code: `HTTP_${status}` };
}

/** No answer came, or not all of it. @param sent whether the server may have seen the request. */
export function unanswered(request: Request, code: string, sent: boolean): Answer {
  return { outcome: outcomeOf(request, sent), code };
}

/** The code of an error of Node's. */
export function codeOf(error: Error & { readonly code?: unknown }): string {
  const { code, name } = error;
  if (typeof code !== 'string') return name;
  return code.startsWith('HPE_') ? INVALID_RESPONSE : code;
}

/** A request that only looks changed nothing, whatever became of it. */
function outcomeOf({ method }: Request, maybeApplied: boolean): 'fail' | 'info' {
  return maybeApplied && method !== 'GET' && method !== 'HEAD' ? 'info' : 'fail';
}

/**
 * Whether a status leaves open if the request was carried out. A redirection or a 4xx says that it was not, and so do 501 (not
 * implemented), 503 (unavailable) and 505 (wrong version); any other 5xx says that the server, or one behind a gateway, broke down or
 * was given up on the way. (RFC 9110, section 15.6)
 */
function saysNothing(status: number): boolean {
  return status >= 500 && status !== 501 && status !== 503 && status !== 505;
}
