// What the operations of a load are: the checked workloads, and those of the user's own.

/** Operations on single keys; every answer is checked for linearizability, key by key. */
export interface RegistersWorkload {
  readonly kind: 'registers';
  /** How many keys, 1 to 1,000,000. Default 100. */
  readonly keys?: number;
  /** Relative weights of the operations, each >= 0, not all 0. Default { read: 5, write: 4, cas: 1 }. */
  readonly mix?: { readonly read?: number; readonly write?: number; readonly cas?: number };
  /** Which key an operation takes. `zipfian` has exponent 0.99, as in YCSB. Default 'uniform'. */
  readonly distribution?: 'uniform' | 'zipfian';
}

/** Adds unique elements to a set and reads the whole set at the end: shows whether an acknowledged write was lost. */
export interface SetWorkload {
  readonly kind: 'set';
}

/** Appends unique elements to lists and reads them: a read shows the whole order of the appends so far, so little escapes the checker. */
export interface AppendWorkload {
  readonly kind: 'append';
  /** How many lists are in use at a time, 1 to 10,000. Default 10. */
  readonly keys?: number;
  /** Relative weights of the operations, each >= 0, not all 0. Default { append: 1, read: 1 }. */
  readonly mix?: { readonly append?: number; readonly read?: number };
  /** After so many appends a list is left alone and a new one takes its place, 1 to 10,000: reads stay small. Default 50. */
  readonly appendsPerKey?: number;
  /** Which list an operation takes. Default 'uniform'. */
  readonly distribution?: 'uniform' | 'zipfian';
}

/** Transfers between accounts, each a transaction of several statements, and reads of all of them: the total never changes. */
export interface BankWorkload {
  readonly kind: 'bank';
  /** How many accounts, 2 to 1,000. Default 10. */
  readonly accounts?: number;
  /** What each holds at the beginning, a whole number >= 0. Default 100. */
  readonly initialBalance?: number;
  /** The most that one transfer moves, a whole number >= 1. Default 5. One that would overdraw an account is refused. */
  readonly maxTransfer?: number;
  /** Relative weights of the operations, each >= 0, not all 0. Default { transfer: 4, read: 1 }. */
  readonly mix?: { readonly transfer?: number; readonly read?: number };
}

/** What a parameter of a statement is: itself, or a number drawn anew for every operation. */
export type SqlParameter =
  | number
  | string
  | null
  /** A whole number, both bounds included. */
  | { readonly integer: readonly [low: number, high: number] }
  /** A whole number that no other operation of the run has. */
  | { readonly unique: true };

export interface SqlStatement {
  /** What its operations are called in statistics and thresholds. Default 'sql' and its position: 'sql1'. */
  readonly name?: string;
  readonly sql: string;
  readonly params?: readonly SqlParameter[];
  /** Relative weight, > 0. Default 1. */
  readonly weight?: number;
}

/** SQL of your own. Its speed is measured; its answers are not checked. */
export interface SqlWorkload {
  readonly kind: 'sql';
  /** Run once, in order, before the load. */
  readonly setup?: readonly string[];
  /** At least one; each operation is one of them. */
  readonly statements: readonly SqlStatement[];
}

/**
 * HTTP/1.1 requests to any endpoint: the target's HTTP endpoints in turn, or a URL. Answers are judged by their status. Connections
 * are kept, as many as there are requests under way; a request is sent once, and redirections are not followed.
 *
 * A status that is not expected is an error with a code such as HTTP_503, and a definite failure but for 500, 502, 504 and the like,
 * after which the request may have been carried out. So it may when its time was up or its connection broke; not when no
 * connection was made. A GET or HEAD that failed is always a definite failure.
 */
export interface HttpWorkload {
  readonly kind: 'http';
  /** A path on the target's endpoints ('/query'), or a whole URL. */
  readonly url: string;
  /** Default 'GET', or 'POST' with a body. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Content-Length is that of the body. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is; anything else as JSON, with that content type unless the headers have another one. */
  readonly body?: unknown;
  /** Statuses that count as ok. Default: 200 to 299. */
  readonly expectStatus?: readonly number[];
}

/**
 * Unary calls of any gRPC service, described by its .proto file, on the target's endpoints in turn, without TLS; one connection for
 * each endpoint. A call is made once.
 *
 * An error's code is the name of its status. It is a definite failure when the call was not sent (no connection could be made, or
 * the deadline passed before there was one), or when the status says that the server refused it: INVALID_ARGUMENT, NOT_FOUND,
 * ALREADY_EXISTS, PERMISSION_DENIED, FAILED_PRECONDITION, OUT_OF_RANGE, UNIMPLEMENTED, UNAUTHENTICATED. After any other it may have
 * been carried out: UNAVAILABLE on a connection that broke, DEADLINE_EXCEEDED, CANCELLED, UNKNOWN, INTERNAL, ABORTED,
 * RESOURCE_EXHAUSTED, DATA_LOSS.
 */
export interface GrpcWorkload {
  readonly kind: 'grpc';
  /** Path of the .proto file, relative to the working directory. */
  readonly proto: string;
  /** 'package.Service/Method'. */
  readonly method: string;
  /**
   * The request, as JSON: fields by their names in the .proto file or in camel case, enumerations by name or number, bytes in
   * base64. Default {}.
   */
  readonly request?: Readonly<Record<string, unknown>>;
  /** Keys in lower case; of a key that ends in '-bin' the value is bytes in base64. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What a function workload is given for each operation. */
export interface FunctionContext {
  /** Seeded: a run is repeated by its seed. */
  readonly random: { float(): number; integer(low: number, high: number): number };
  /** From 0, in the order in which the operations of this load begin. */
  readonly iteration: number;
  /** host:port of the target's gRPC servers. */
  readonly endpoints: readonly string[];
  /** host:port of the target's HTTP servers. */
  readonly httpEndpoints: readonly string[];
  /** Runs a statement through Windtunnel's client; for targets that speak its contract. */
  execute(sql: string, params?: readonly (number | string | null)[]): Promise<{ readonly rows: readonly (readonly unknown[])[] }>;
  /** Aborted when the operation is no longer waited for. */
  readonly signal: AbortSignal;
}

/**
 * An operation of your own. It has succeeded when the promise resolves. When it rejects, it may have been applied, unless the
 * error has the property `maybeApplied: false`; its `code`, if any, names it among the errors. Runs in a worker thread, in
 * which the scenario's module is loaded again: the function cannot see variables of the run.
 */
export interface FunctionWorkload {
  readonly kind: 'function';
  readonly run: (context: FunctionContext) => Promise<unknown>;
}

export type Workload =
  RegistersWorkload | SetWorkload | AppendWorkload | BankWorkload | SqlWorkload | HttpWorkload | GrpcWorkload | FunctionWorkload;
