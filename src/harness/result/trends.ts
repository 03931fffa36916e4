// What `windtunnel history` finds in all results together, as data: the schema of its JSON, and what text and page are made from.

import { z } from 'zod';

/** Grows when a reader of the old shape would misread the new one. */
export const TRENDS_VERSION = 1;

export const TREND_UNITS = ['ns', 'ms', 'bytes', 'per second', 'per operation'] as const;
export type TrendUnit = (typeof TREND_UNITS)[number];

const point = z.strictObject({
  id: z.string().describe('Of the result'),
  startedAt: z.string(),
  commit: z.string().optional(),
  value: z.number().min(0),
});
export type TrendPoint = z.infer<typeof point>;

const change = z.strictObject({
  at: z.int().min(1).describe('The first point behind the change'),
  ratio: z.number().positive().describe('Of the medians behind and before it, as far as the neighbouring changes'),
  p: z.number().min(0).max(1).describe('The share of random orders of the points that look as much like a change'),
});
export type TrendChange = z.infer<typeof change>;

const series = z.strictObject({
  metric: z.string().describe('Such as actor/ask median, or steady registers read baseline p99'),
  unit: z.enum(TREND_UNITS),
  better: z.enum(['lower', 'higher']),
  machine: z.int().min(0).describe('Index into machines'),
  variant: z
    .int()
    .min(1)
    .describe('Series of the same name and machine whose scenarios were configured differently are numbered'),
  points: z.array(point).min(1).describe('By time'),
  band: z
    .strictObject({ low: z.number(), median: z.number(), high: z.number(), points: z.int().min(1) })
    .optional()
    .describe(
      'Where the next point is expected: three robust standard deviations around the median of the points since the last change. Absent when they are too few',
    ),
  changes: z.array(change).optional().describe('Suspected ones. Absent when the points are too few to tell'),
});
export type Trend = z.infer<typeof series>;

export const trendsSchema = z.strictObject({
  schema: z.literal('windtunnel-history'),
  schemaVersion: z.literal(TRENDS_VERSION),
  machines: z
    .array(z.record(z.string(), z.string()))
    .describe('What times depend on: results of different machines are different series'),
  results: z.array(
    z.strictObject({ id: z.string(), startedAt: z.string(), commit: z.string().optional(), machine: z.int().min(0) }),
  ),
  refused: z.array(z.strictObject({ path: z.string(), reason: z.string() })).describe('Files that are not read, and why'),
  falseRate: z
    .number()
    .describe('At most this share of series without a change shows one, as long as their points come in random order'),
  leastPoints: z.int().describe('That a series must have to be looked at for changes'),
  series: z.array(series),
});
export type Trends = z.infer<typeof trendsSchema>;
