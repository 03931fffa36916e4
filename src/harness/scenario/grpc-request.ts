// Whether a request is one that a message type allows. The encoder itself leaves out what it does not know and makes zeros of what it
// cannot read: a load of such requests would measure something else than was meant.

import { inspect } from 'node:util';
import { didYouMean } from './did-you-mean.ts';

/** What a protobuf descriptor says, as far as it is needed; see descriptor.proto. */
export interface MessageDescriptor {
  readonly name: string;
  readonly field: readonly FieldDescriptor[];
  readonly nestedType: readonly MessageDescriptor[];
  readonly enumType: readonly EnumDescriptor[];
  readonly options: { readonly mapEntry?: boolean } | null;
}

export interface EnumDescriptor {
  readonly name: string;
  readonly value: readonly { readonly name: string; readonly number: number }[];
}

interface FieldDescriptor {
  /** In camel case. */
  readonly name: string;
  readonly label: string;
  readonly type: string;
  /** Of a message or an enumeration: relative to the message that the field is in, or from the root. */
  readonly typeName: string;
}

/** All types by their full names ('package.Message.Nested'). */
export interface Types {
  readonly messages: ReadonlyMap<string, MessageDescriptor>;
  readonly enums: ReadonlyMap<string, EnumDescriptor>;
}

export interface CheckedRequest {
  /** With the names of fields as the encoder knows them. */
  readonly value: Record<string, unknown>;
  /** Empty when it is allowed. */
  readonly problems: readonly string[];
}

/**
 * Checks a request as JSON: fields by their names in the .proto file or in camel case, enumerations by name or number, bytes as
 * base64, maps as objects.
 * @param type the full name of its message type.
 * @param path names it in messages.
 */
export function checkRequest(
  request: Readonly<Record<string, unknown>>,
  type: string,
  types: Types,
  path: string,
): CheckedRequest {
  const problems: string[] = [];
  const value = new Checker(types, problems).message(request, type, path) as Record<string, unknown>;
  return { value, problems };
}

class Checker {
  readonly #types: Types;
  readonly #problems: string[];

  constructor(types: Types, problems: string[]) {
    this.#types = types;
    this.#problems = problems;
  }

  message(value: unknown, type: string, path: string): unknown {
    const descriptor = this.#types.messages.get(type);
    // A type that the file only declares by an import without content: nothing is known of it.
    if (descriptor === undefined) return value;
    if (!isObject(value)) return this.#wrong(path, `must be an object, a ${type}`, value);
    const names = descriptor.field.map(({ name }) => name);
    const entries = Object.entries(value).flatMap(([key, given]) => {
      // As absent, in JSON too.
      if (given === undefined || given === null) return [];
      const field =
        descriptor.field.find(({ name }) => name === key) ?? descriptor.field.find(({ name }) => name === camelCase(key));
      if (field !== undefined) return [[field.name, this.#field(given, field, type, `${path}.${key}`)]];
      const known = names.length === 0 ? 'none' : names.join(', ');
      this.#problems.push(`${path} has no field '${key}': ${type} has ${known}${didYouMean(key, names)}`);
      return [];
    });
    return Object.fromEntries(entries);
  }

  #field(value: unknown, field: FieldDescriptor, inside: string, path: string): unknown {
    if (field.label !== 'LABEL_REPEATED') return this.#single(value, field, inside, path);
    const entry = this.#types.messages.get(this.#resolve(field.typeName, inside, this.#types.messages));
    if (field.type === 'TYPE_MESSAGE' && entry?.options?.mapEntry === true) return this.#map(value, entry, inside, path);
    if (!Array.isArray(value)) return this.#wrong(path, 'must be a list', value);
    return value.map((each, at) => this.#single(each, field, inside, `${path}[${at}]`));
  }

  #map(value: unknown, entry: MessageDescriptor, inside: string, path: string): unknown {
    if (!isObject(value)) return this.#wrong(path, 'must be an object, a map', value);
    const of = entry.field.find(({ name }) => name === 'value') as FieldDescriptor;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, this.#single(each, of, inside, `${path}.${key}`)]),
    );
  }

  #single(value: unknown, { type, typeName }: FieldDescriptor, inside: string, path: string): unknown {
    switch (type) {
      case 'TYPE_MESSAGE':
      case 'TYPE_GROUP':
        return this.message(value, this.#resolve(typeName, inside, this.#types.messages), path);
      case 'TYPE_ENUM': {
        const values = this.#types.enums.get(this.#resolve(typeName, inside, this.#types.enums))?.value ?? [];
        if (Number.isInteger(value) || values.some(({ name }) => name === value)) return value;
        return this.#wrong(path, `must be ${values.map(({ name }) => `'${name}'`).join(' or ')}`, value);
      }
      default: {
        const scalar = SCALARS[type];
        return scalar === undefined || scalar.allows(value) ? value : this.#wrong(path, `must be ${scalar.what}`, value);
      }
    }
  }

  /** The full name of a type, from the innermost scope outwards, as protobuf looks for it. */
  #resolve(name: string, inside: string, known: ReadonlyMap<string, unknown>): string {
    if (name.startsWith('.')) return name.slice(1);
    const scope = inside.split('.');
    for (let depth = scope.length; depth > 0; depth--) {
      const candidate = [...scope.slice(0, depth), name].join('.');
      if (known.has(candidate)) return candidate;
    }
    return name;
  }

  #wrong(path: string, must: string, value: unknown): unknown {
    this.#problems.push(`${path} ${must}, not ${inspect(value, { depth: 1, breakLength: Infinity, maxStringLength: 60 })}`);
    return value;
  }
}

interface Scalar {
  readonly what: string;
  readonly allows: (value: unknown) => boolean;
}

const int32 = wholeNumber(-(2n ** 31n), 2n ** 31n - 1n);
const uint32 = wholeNumber(0n, 2n ** 32n - 1n);
const int64 = wholeNumber(-(2n ** 63n), 2n ** 63n - 1n);
const uint64 = wholeNumber(0n, 2n ** 64n - 1n);
const float: Scalar = {
  what: 'a number',
  allows: (value) => typeof value === 'number' || value === 'NaN' || value === 'Infinity' || value === '-Infinity',
};

const SCALARS: Readonly<Record<string, Scalar>> = {
  TYPE_STRING: { what: 'text', allows: (value) => typeof value === 'string' },
  TYPE_BOOL: { what: 'true or false', allows: (value) => typeof value === 'boolean' },
  TYPE_BYTES: {
    what: 'bytes in base64',
    allows: (value) => value instanceof Uint8Array || (typeof value === 'string' && /^[\w+/-]*={0,2}$/.test(value)),
  },
  TYPE_DOUBLE: float,
  TYPE_FLOAT: float,
  TYPE_INT32: int32,
  TYPE_SINT32: int32,
  TYPE_SFIXED32: int32,
  TYPE_UINT32: uint32,
  TYPE_FIXED32: uint32,
  TYPE_INT64: int64,
  TYPE_SINT64: int64,
  TYPE_SFIXED64: int64,
  TYPE_UINT64: uint64,
  TYPE_FIXED64: uint64,
};

/** As a number, or as text, because a number cannot hold every one of 64 bits. */
function wholeNumber(low: bigint, high: bigint): Scalar {
  return {
    what: `a whole number from ${low} to ${high}`,
    allows(value) {
      if (typeof value !== 'string' && !Number.isInteger(value)) return false;
      if (typeof value === 'string' && !/^-?\d+$/.test(value)) return false;
      const whole = BigInt(value as string | number);
      return whole >= low && whole <= high;
    },
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As the encoder does it. */
function camelCase(name: string): string {
  return name.slice(0, 1) + name.slice(1).replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
