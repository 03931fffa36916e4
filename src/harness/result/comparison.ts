// What `windtunnel compare` finds out, as data: the schema of its JSON, and what text and markdown are made from.

import { z } from 'zod';

/** Grows when a reader of the old shape would misread the new one. */
export const COMPARISON_VERSION = 1;

/** From what needs attention to what needs none. */
export const VERDICT_WORDS = ['slower', 'faster', 'inconclusive', 'incomparable', 'same'] as const;
export type VerdictWord = (typeof VERDICT_WORDS)[number];

const side = z.strictObject({
  id: z.string().describe('The name of its result folder'),
  startedAt: z.string(),
  commit: z.string().optional(),
  dirty: z.boolean().optional(),
});

const difference = z.strictObject({
  what: z.string().describe('Such as kernel'),
  base: z.string(),
  head: z.string(),
});
export type Difference = z.infer<typeof difference>;

const interval = z.tuple([z.number().min(0), z.number().min(0)]);

const quantity = z.strictObject({
  value: z.number().min(0),
  interval95: interval
    .optional()
    .describe('From order statistics within the one recording. Absent where there is one number only'),
});
export type Quantity = z.infer<typeof quantity>;

const measurement = z.strictObject({
  kind: z.enum(['microbenchmark', 'scenario']),
  name: z.string().describe('Of the microbenchmark or the scenario'),
  metric: z.string().describe('Such as median, or registers read baseline p99'),
  unit: z.enum(['ns', 'ms', 'per second']),
  better: z.enum(['lower', 'higher']),
  base: quantity.optional().describe('Absent when it was not measured'),
  head: quantity.optional(),
  ratio: z.number().positive().optional().describe('head / base. Absent when they are not comparable'),
  ratioInterval: interval
    .optional()
    .describe(
      'The ends of the two intervals divided: at least 90 %, of what varies within the recordings. What varies between recordings is more, and in no file',
    ),
  verdict: z.enum(VERDICT_WORDS),
  reason: z.string().optional().describe('Why nothing more can be said'),
});
export type Measurement = z.infer<typeof measurement>;

const countedWork = z.strictObject({ counted: z.int().min(0), operations: z.int().min(1) });

export const countComparison = z.strictObject({
  benchmark: z.string(),
  count: z.string().describe('What was counted, such as messages'),
  base: countedWork,
  head: countedWork,
  verdict: z.enum(['more', 'fewer', 'same']).describe('For each operation, exactly'),
});
export type CountComparison = z.infer<typeof countComparison>;

const allocation = z.strictObject({
  benchmark: z.string(),
  base: z.number().min(0).describe('Bytes per operation'),
  head: z.number().min(0),
});
export type Allocation = z.infer<typeof allocation>;

export const comparisonSchema = z.strictObject({
  schema: z.literal('windtunnel-comparison'),
  schemaVersion: z.literal(COMPARISON_VERSION),
  base: side,
  head: side,
  differences: z.array(difference).describe('Of the machines. When there are any, no time is comparable'),
  onTimes: z.string().describe('How the words about times are to be taken'),
  drift: z
    .strictObject({ ratio: z.number().positive(), measurements: z.int().min(1) })
    .optional()
    .describe('The median of the ratios of the microbenchmarks: what moves all of them is rather the machine than the code'),
  measurements: z.array(measurement).describe('Reported, never gated'),
  counts: z.array(countComparison).describe('Deterministic, and gated: one that rose is a regression'),
  allocations: z.array(allocation).describe('Measured, therefore reported and not gated'),
  onlyInBase: z.array(z.string()),
  onlyInHead: z.array(z.string()),
  exit: z.strictObject({
    code: z.int().describe('0, or 94: a deterministic count rose'),
    reasons: z.array(z.string()),
  }),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** As many digits as tell apart what differs in the least. */
export function perOperation({ counted, operations }: CountComparison['base']): string {
  return String(Number((counted / operations).toPrecision(9)));
}
