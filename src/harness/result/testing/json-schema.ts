// The published forms of our schemas, for readers that are not this program. The files in results/ are this function's output;
// published-schema.test.ts fails when one is stale, and rewrites it with UPDATE_SCHEMA=1.

import { z } from 'zod';
import { COMPARISON_VERSION, comparisonSchema } from '../comparison.ts';
import { GATE_VERSION, gateSchema } from '../gate.ts';
import { runSchema, SCHEMA_VERSION } from '../schema.ts';
import { TRENDS_VERSION, trendsSchema } from '../trends.ts';

interface Published {
  readonly schema: z.ZodType;
  readonly title: string;
  readonly description: string;
}

/** By the name of the file. */
export const PUBLISHED: Readonly<Record<string, Published>> = {
  'schema.json': {
    schema: runSchema,
    title: `Windtunnel run, schema version ${SCHEMA_VERSION}`,
    description:
      'One run of Windtunnel: on which machine, what the microbenchmarks and the scenarios measured, and the verdicts. Times are milliseconds unless the name says otherwise.',
  },
  'comparison.schema.json': {
    schema: comparisonSchema,
    title: `Windtunnel comparison, schema version ${COMPARISON_VERSION}`,
    description: 'Two runs side by side: what windtunnel compare BASE HEAD --format json prints.',
  },
  'gate.schema.json': {
    schema: gateSchema,
    title: `Windtunnel gate, schema version ${GATE_VERSION}`,
    description: 'Two commits measured side by side: gate.json, and what windtunnel gate --format json prints.',
  },
  'history.schema.json': {
    schema: trendsSchema,
    title: `Windtunnel history, schema version ${TRENDS_VERSION}`,
    description: 'All runs as series over time: what windtunnel history --format json prints.',
  },
};

/** JSON Schema, draft 2020-12. It has no `$id`: the project promises no address for it. */
export function jsonSchemaOf({ schema: source, title, description }: Published): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(source, {
    override: ({ jsonSchema }) => {
      // zod says by these that an integer is a safe one and that February has 28 days; both only hide what matters.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.format === 'date-time') jsonSchema.pattern = String.raw`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$`;
    },
  });
  return { $schema, title, description, ...schema };
}
