// The published form of the schema of run.json, for readers that are not this program. results/schema.json is this function's
// output; published-schema.test.ts fails when that file is stale, and rewrites it with UPDATE_SCHEMA=1.

import { z } from 'zod';
import { runSchema, SCHEMA_VERSION } from '../schema.ts';

/** JSON Schema, draft 2020-12. It has no `$id`: the project promises no address for it. */
export function runJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(runSchema, {
    override: ({ jsonSchema }) => {
      // zod says by these that an integer is a safe one and that February has 28 days; both only hide what matters.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.format === 'date-time') jsonSchema.pattern = String.raw`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$`;
    },
  });
  return {
    $schema,
    title: `Windtunnel run, schema version ${SCHEMA_VERSION}`,
    description:
      'One run of Windtunnel: on which machine, what the microbenchmarks and the scenarios measured, and the verdicts. Times are milliseconds unless the name says otherwise.',
    ...schema,
  };
}
