// The command line: finds the command, parses its flags, prints errors so that they say what to do, sets the exit code.

import { readFileSync } from 'node:fs';
import { EXIT } from '../harness/report/exit.ts';
import { didYouMean } from '../harness/scenario/did-you-mean.ts';
import { type Command, helpOf, parseInvocation, UsageError } from './command.ts';
import { outliveReaders } from './output.ts';

/** In the order of the help text. Loaded when needed, because a node process must not pay for the harness's imports. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  bench: async () => (await import('./bench.ts')).bench,
  micro: async () => (await import('./micro.ts')).micro,
  run: async () => (await import('./run.ts')).run,
  init: async () => (await import('./init.ts')).init,
  cluster: async () => (await import('./cluster.ts')).cluster,
  query: async () => (await import('./query.ts')).query,
  check: async () => (await import('./check.ts')).check,
  report: async () => (await import('./report.ts')).report,
  compare: async () => (await import('./compare.ts')).compare,
  gate: async () => (await import('./gate.ts')).gate,
  history: async () => (await import('./history.ts')).history,
  image: async () => (await import('./image.ts')).image,
  doctor: async () => (await import('./doctor.ts')).doctor,
  node: async () => (await import('./node.ts')).node,
  links: async () => (await import('./links.ts')).links,
};

export async function main(argv: readonly string[]): Promise<void> {
  outliveReaders();
  try {
    process.exitCode = await dispatch(argv);
  } catch (error) {
    process.stderr.write(`windtunnel: ${describe(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const topic = name === 'help' ? rest[0] : undefined;
    process.stdout.write(topic === undefined ? await overview() : helpOf(await load(topic)));
    return EXIT.passed;
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`windtunnel ${version()} (Node ${process.version})\n`);
    return EXIT.passed;
  }
  const command = await load(name);
  const beforeDashes = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  if (beforeDashes.includes('--help') || beforeDashes.includes('-h')) {
    process.stdout.write(helpOf(command));
    return EXIT.passed;
  }
  return command.run(parseInvocation(command, rest));
}

async function load(name: string): Promise<Command> {
  const loader = COMMANDS[name];
  if (loader !== undefined && Object.hasOwn(COMMANDS, name)) return loader();
  throw new UsageError(
    `unknown command '${name}'${didYouMean(name, Object.keys(COMMANDS))} (windtunnel --help lists the commands)`,
  );
}

async function overview(): Promise<string> {
  const commands = (await Promise.all(Object.values(COMMANDS).map((loader) => loader()))).filter((command) => !command.internal);
  const rows = commands.map((command) => [`${command.name} ${command.arguments}`.trim(), command.summary] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    'Windtunnel puts a distributed system under load and faults, checks every answer, and says whether it got slower.',
    '',
    'Usage: windtunnel COMMAND [options]',
    '',
    'Commands:',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    '',
    'windtunnel COMMAND --help explains one command. Exit codes: 0 passed, 1 usage or unexpected error, 94 regression,',
    '95 correctness violated, 96 run invalid, 99 thresholds failed, 104 invalid configuration, 105 interrupted.',
    '',
  ].join('\n');
}

function version(): string {
  // From src/cli it is two folders up, from dist/src/cli three.
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string }).version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}

/** Errors that a user can do something about are named by their class; for them the message is enough. */
const EXPECTED: Readonly<Record<string, number>> = {
  UsageError: EXIT.error,
  ScenarioError: EXIT.configuration,
  DurationError: EXIT.configuration,
  ResultError: EXIT.error,
  HistoryFormatError: EXIT.error,
  ListenError: EXIT.error,
  DataFolderError: EXIT.error,
  LogDamagedError: EXIT.error,
  LaunchError: EXIT.error,
  TreeError: EXIT.error,
  DuetError: EXIT.error,
  AcceptanceError: EXIT.error,
  LinkError: EXIT.error,
  RpcError: EXIT.error,
  LivePageError: EXIT.error,
  MetricsServerError: EXIT.error,
  MetricsRecordError: EXIT.error,
};

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name in EXPECTED || process.env['WINDTUNNEL_DEBUG'] === undefined) {
    const expected = error.name in EXPECTED;
    return expected ? error.message : `unexpected error: ${error.message} (set WINDTUNNEL_DEBUG=1 for the stack)`;
  }
  return error.stack ?? error.message;
}

function exitCodeOf(error: unknown): number {
  return (error instanceof Error ? EXPECTED[error.name] : undefined) ?? EXIT.error;
}
