// `windtunnel check HISTORY`: is a recorded history linearizable, serializable, did acknowledged writes survive?

import { existsSync } from 'node:fs';
import { formatDuration, parseDuration } from '../runtime/duration.ts';
import { systemClock } from '../runtime/clock.ts';
import { checkFile } from '../harness/check/check-file.ts';
import { HISTORY_MODELS } from '../harness/history/event.ts';
import { EXIT } from '../harness/report/exit.ts';
import { choice, type Command, flag, text, UsageError } from './command.ts';
import { catchInterrupts } from './interrupt.ts';

export const check: Command = {
  name: 'check',
  summary: 'Check recorded histories',
  arguments: 'HISTORY...',
  options: {
    model: {
      type: 'string',
      short: 'm',
      placeholder: 'MODEL',
      description: `what the operations worked on: ${HISTORY_MODELS.join(', ')}`,
      defaultText: 'what the file says',
    },
    'time-limit': {
      type: 'string',
      placeholder: 'D',
      description: 'give up, with the verdict unknown, after this long for one file',
      defaultText: '5m',
    },
    json: { type: 'boolean', description: 'print JSON, one object a file' },
  },
  notes: `Formats, told apart by content: Windtunnel's own (results/*/*/history-*.jsonl), Jepsen's history.edn, the etcd logs of
Jepsen and the key-value logs of porcupine.

Models, and what is checked:
  register      read, write, cas                   linearizability
  register-map  the same, by key                   linearizability
  kv            get, put, append of texts, by key  linearizability
  set           add, read-all                      acknowledged adds survive; monotonic reads
  append        append, read, by key               linearizability; monotonic appends and reads
  bank          transfer, read-all                 totals and balances, against the transfers
  list-append   txn of appends and reads           strict serializability, as Elle does

Exit codes: 0 all valid, 95 one is violated, 96 one could not be decided.`,
  async run(invocation) {
    if (invocation.positionals.length === 0) throw new UsageError('check takes at least one history file');
    const model = choice(invocation, 'model', ['', ...HISTORY_MODELS], '');
    const timeLimitMs = parseDuration(text(invocation, 'time-limit') ?? '5m');
    if (timeLimitMs <= 0) throw new UsageError('--time-limit must be above 0');
    for (const path of invocation.positionals) if (!existsSync(path)) throw new UsageError(`no such file: ${path}`);
    const interruption = catchInterrupts(() => process.stderr.write('interrupted\n'));
    const verdicts = new Set<string>();
    try {
      for (const path of invocation.positionals) {
        const startMs = systemClock.now();
        const checked = await checkFile(path, {
          ...(model !== '' && { model }),
          timeLimitMs,
          signal: interruption.signal,
          onRead: (operations) => showProgress(`${path}: ${operations} operations read`),
          onProgress: ({ partitionsDone, partitions, steps }) =>
            showProgress(`${path}: ${partitionsDone} of ${partitions} keys, ${steps} steps`),
        });
        showProgress('');
        verdicts.add(checked.verdict);
        const durationMs = systemClock.now() - startMs;
        process.stdout.write(
          flag(invocation, 'json')
            ? `${JSON.stringify({ path, format: checked.format, model: checked.model, operations: checked.operations, verdict: checked.verdict, durationMs, results: checked.results })}\n`
            : `${path}: ${checked.verdict} (${checked.model}, ${checked.operations} operations, ${formatDuration(durationMs)})\n${indent(checked.summary)}\n`,
        );
      }
    } catch (error) {
      if (interruption.signal.aborted) return EXIT.interrupted;
      throw error;
    } finally {
      interruption.dispose();
    }
    if (verdicts.has('violated')) return EXIT.violated;
    return verdicts.has('unknown') ? EXIT.invalid : EXIT.passed;
  },
};

/** Replaces the last progress, where there is a terminal. */
function showProgress(progress: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${progress}`);
}

function indent(lines: string): string {
  return lines.replaceAll(/^/gm, '  ');
}
