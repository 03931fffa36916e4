// Standard output and error, of which somebody may have seen enough.

import { EXIT } from '../harness/report/exit.ts';

/** The reader of the pipe has closed it (`windtunnel run steady | head -1`); the terminal is gone. */
const READER_IS_GONE = new Set(['EPIPE', 'EIO']);

/**
 * What cannot be printed must not end the process: it would leave what it has started, and lose what it has measured. When nobody
 * reads any more, that is no error, and the command goes on to its end. Whatever else keeps output from being written (a full disk) is
 * told on the other stream, once, and makes a command fail that would have passed.
 */
export function outliveReaders(): void {
  const failed = new Set<NodeJS.WriteStream>();
  const { stdout, stderr } = process;
  for (const [stream, name] of [[stdout, 'standard output'] as const, [stderr, 'standard error'] as const]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (READER_IS_GONE.has(error.code ?? '') || failed.has(stream)) return;
      failed.add(stream);
      const other = stream === stdout ? stderr : stdout;
      if (!failed.has(other)) other.write(`windtunnel: ${name} cannot be written: ${error.message}\n`);
    });
  }
  process.once('exit', () => {
    if (failed.size > 0) process.exitCode ||= EXIT.error;
  });
}
