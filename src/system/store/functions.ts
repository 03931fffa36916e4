// Which SQL functions a write may call. A list of what is allowed, so that a function which a new SQLite brings is refused
// until somebody has thought about it; a test compares the list with the functions of the SQLite we run on.

const DETERMINISTIC = `
  -> ->> abs avg ceil ceiling char coalesce concat concat_ws count cume_dist degrees dense_rank first_value floor format glob
  group_concat hex if ifnull iif instr json json_array json_array_insert json_array_length json_error_position json_extract
  json_group_array json_group_object json_insert json_object json_patch json_pretty json_quote json_remove json_replace json_set
  json_type json_valid jsonb jsonb_array jsonb_array_insert jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert
  jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set lag last_value lead length like likelihood likely lower ltrim max
  median min mod nth_value ntile nullif octet_length percent_rank percentile percentile_cont percentile_disc pi printf quote
  radians rank replace round row_number rtrim sign sqrt string_agg substr substring subtype sum total trim trunc typeof unhex
  unicode unistr unistr_quote unlikely upper zeroblob`;

const TIME = 'current_date current_time current_timestamp date datetime julianday strftime time timediff unixepoch';
const CHANCE = 'random randomblob';
/** Of this connection since it was opened, so different after a restart. */
const CONNECTION = 'changes last_insert_rowid total_changes';
const VERSION = 'fts5_source_id sqlite_compileoption_get sqlite_compileoption_used sqlite_source_id sqlite_version';
/** IEEE 754 does not prescribe the last bit of these: the C library of another machine may round differently. */
const ROUNDING = 'acos acosh asin asinh atan atan2 atanh cos cosh exp ln log log10 log2 pow power sin sinh tan tanh';
const DANGEROUS = 'fts3_tokenizer load_extension sqlite_log';

const words = (text: string) => text.trim().split(/\s+/);

/** Functions that give equal results for equal arguments on every replica. */
export const DETERMINISTIC_FUNCTIONS: ReadonlySet<string> = new Set(words(DETERMINISTIC));

/** Refused in reads too. */
export const DANGEROUS_FUNCTIONS: ReadonlySet<string> = new Set(words(DANGEROUS));

const REASONS = new Map<string, string>([
  ...words(TIME).map((name): [string, string] => [
    name,
    'may read the clock, which differs between replicas: compute the time in the client and pass it as a parameter',
  ]),
  ...words(CHANCE).map((name): [string, string] => [
    name,
    'would differ between replicas: compute the value in the client and pass it as a parameter',
  ]),
  ...words(CONNECTION).map((name): [string, string] => [
    name,
    'depends on what a replica did since it started: use RETURNING, or the number of affected rows in the result',
  ]),
  ...words(VERSION).map((name): [string, string] => [
    name,
    'may differ between replicas while they are being upgraded: pass the value as a parameter',
  ]),
  ...words(ROUNDING).map((name): [string, string] => [
    name,
    'may round differently on another machine: compute the value in the client and pass it as a parameter',
  ]),
]);

/** Why a write may not call a function that is not in DETERMINISTIC_FUNCTIONS. */
export function reasonAgainst(name: string): string {
  return (
    REASONS.get(name) ??
    'is not known to give the same result on every replica: compute the value in the client and pass it as a parameter'
  );
}

/** Names with a reason of their own, for the test that compares both lists with SQLite's. */
export const EXPLAINED_FUNCTIONS: ReadonlySet<string> = new Set(REASONS.keys());
