// What SQL may do. SQLite asks its authorizer while it compiles a statement (sqlite.org/c3ref/set_authorizer.html), also when
// it compiles a cached one again after a change of the schema; what it does not ask about is checked in schema-check.ts.

import { constants } from 'node:sqlite';
import { DANGEROUS_FUNCTIONS, DETERMINISTIC_FUNCTIONS, reasonAgainst } from './functions.ts';

/** `internal`: our own statements. `explain`: shows the plan of any statement and runs none. */
export type SqlMode = 'internal' | 'write' | 'read' | 'explain';

export interface Denial {
  readonly code: 'forbidden-sql' | 'not-deterministic';
  readonly message: string;
}

/** What SQLite said about a statement while it compiled it. */
export interface StatementFacts {
  /** Tables that get rows, directly, through triggers or by foreign keys. */
  readonly insertsInto: Set<string>;
  /** `table.column` of every column that is updated, likewise. */
  readonly updates: Map<string, Set<string>>;
  /** Tables created or altered, and tables or views that got a trigger. */
  readonly touchedTables: Set<string>;
  readonly triggeredTables: Set<string>;
  firesTriggers: boolean;
}

/** Tables of our own, in the same database so that they are in the same transaction. */
export const INTERNAL_PREFIX = '_windtunnel_';
export const isInternal = (name: string | null) => name !== null && name.toLowerCase().startsWith(INTERNAL_PREFIX);

/** PRAGMAs that only describe the schema, as statements and as table-valued functions (`pragma_table_info`). For reads. */
const SCHEMA_PRAGMAS = new Set([
  'foreign_key_list',
  'index_info',
  'index_list',
  'index_xinfo',
  'table_info',
  'table_list',
  'table_xinfo',
]);

const {
  SQLITE_OK,
  SQLITE_DENY,
  SQLITE_ALTER_TABLE,
  SQLITE_ANALYZE,
  SQLITE_ATTACH,
  SQLITE_CREATE_INDEX,
  SQLITE_CREATE_TABLE,
  SQLITE_CREATE_TEMP_INDEX,
  SQLITE_CREATE_TEMP_TABLE,
  SQLITE_CREATE_TEMP_TRIGGER,
  SQLITE_CREATE_TEMP_VIEW,
  SQLITE_CREATE_TRIGGER,
  SQLITE_CREATE_VIEW,
  SQLITE_CREATE_VTABLE,
  SQLITE_DELETE,
  SQLITE_DETACH,
  SQLITE_DROP_INDEX,
  SQLITE_DROP_TABLE,
  SQLITE_DROP_TRIGGER,
  SQLITE_DROP_VIEW,
  SQLITE_FUNCTION,
  SQLITE_INSERT,
  SQLITE_PRAGMA,
  SQLITE_READ,
  SQLITE_RECURSIVE,
  SQLITE_REINDEX,
  SQLITE_SAVEPOINT,
  SQLITE_SELECT,
  SQLITE_TRANSACTION,
  SQLITE_UPDATE,
} = constants;

const TEMPORARY = new Set([
  SQLITE_CREATE_TEMP_INDEX,
  SQLITE_CREATE_TEMP_TABLE,
  SQLITE_CREATE_TEMP_TRIGGER,
  SQLITE_CREATE_TEMP_VIEW,
]);
/** Change rows or the schema of the one database we have. */
const CHANGES = new Set([
  SQLITE_ALTER_TABLE,
  SQLITE_ANALYZE,
  SQLITE_CREATE_INDEX,
  SQLITE_CREATE_TABLE,
  SQLITE_CREATE_TRIGGER,
  SQLITE_CREATE_VIEW,
  SQLITE_DELETE,
  SQLITE_DROP_INDEX,
  SQLITE_DROP_TABLE,
  SQLITE_DROP_TRIGGER,
  SQLITE_DROP_VIEW,
  SQLITE_INSERT,
  SQLITE_REINDEX,
  SQLITE_UPDATE,
]);

export function noFacts(): StatementFacts {
  return {
    insertsInto: new Set(),
    updates: new Map(),
    touchedTables: new Set(),
    triggeredTables: new Set(),
    firesTriggers: false,
  };
}

const forbidden = (message: string): Denial => ({ code: 'forbidden-sql', message });
const differs = (message: string): Denial => ({ code: 'not-deterministic', message });

/** The authorizer of one connection. Set what is about to be compiled or run with `enter`, and return with `leave`. */
export class SqlPolicy {
  /** The first refusal since `enter`: SQLite's own message says only "not authorized". */
  denial: Denial | undefined;
  #mode: SqlMode = 'internal';
  #keyword = '';
  #facts: StatementFacts = noFacts();

  /** @param keyword the deciding word of the statement (SqlStatement.keyword). @param facts where to note what it does. */
  enter(mode: SqlMode, keyword: string, facts: StatementFacts): void {
    this.#mode = mode;
    this.#keyword = keyword;
    this.#facts = facts;
    this.denial = undefined;
  }

  leave(): void {
    this.#mode = 'internal';
  }

  /** For DatabaseSync.setAuthorizer. `via` is the trigger or view that the access comes from. */
  readonly authorize = (
    action: number,
    first: string | null,
    second: string | null,
    database: string | null,
    via: string | null,
  ) => {
    if (this.#mode === 'internal') return SQLITE_OK;
    const denial = this.#judge(action, first, second, database);
    if (denial === undefined) {
      if (this.#mode === 'write') this.#note(action, first, second, via);
      return SQLITE_OK;
    }
    this.denial ??= via === null ? denial : { ...denial, message: `in '${via}': ${denial.message}` };
    return SQLITE_DENY;
  };

  #judge(action: number, first: string | null, second: string | null, database: string | null): Denial | undefined {
    switch (action) {
      case SQLITE_SELECT:
        return undefined;
      case SQLITE_READ:
        return this.#judgeRead(first, second);
      case SQLITE_FUNCTION:
        return this.#judgeFunction((second ?? '').toLowerCase());
      case SQLITE_RECURSIVE:
        // Once committed, a write must come to an end on every replica, and again after every restart.
        if (this.#mode !== 'write') return undefined;
        return forbidden(
          'WITH RECURSIVE may never end, and a write cannot be stopped: run it as a read and write its rows as parameters',
        );
      case SQLITE_PRAGMA:
        return this.#judgePragma((first ?? '').toLowerCase());
      case SQLITE_ATTACH:
      case SQLITE_DETACH:
        return forbidden('other databases are out of reach: a replica has one');
      case SQLITE_TRANSACTION:
      case SQLITE_SAVEPOINT:
        return forbidden('the statements of one request already are one transaction');
      case SQLITE_CREATE_VTABLE:
        return forbidden('virtual tables are not replicated: use an ordinary table');
      default:
        return this.#judgeChange(action, first, second, database);
    }
  }

  #judgeChange(action: number, first: string | null, second: string | null, database: string | null): Denial | undefined {
    if (TEMPORARY.has(action))
      return forbidden('temporary tables, views and triggers do not survive a restart: create ordinary ones');
    if (!CHANGES.has(action)) return forbidden(`this kind of statement is not allowed (SQLite action ${action})`);
    if (this.#mode === 'read') return forbidden('a read cannot change anything: send this as a write');
    // ALTER TABLE also looks for its table in the temporary schema, where there is nothing.
    if (database === 'temp' && action === SQLITE_CREATE_TABLE)
      return forbidden('temporary tables do not survive a restart: create ordinary ones');
    if (action === SQLITE_ANALYZE && isInternal(first))
      return forbidden('ANALYZE without a table also counts rows of windtunnel itself: name your table');
    if (isInternal(first) || isInternal(second)) return reserved(isInternal(first) ? first : second);
    if (first === 'sqlite_sequence' && (action === SQLITE_INSERT || (action === SQLITE_UPDATE && second === 'seq')))
      return forbidden('sqlite_sequence belongs to AUTOINCREMENT: insert a row with the id to continue from');
    return undefined;
  }

  #judgeRead(table: string | null, column: string | null): Denial | undefined {
    if (isInternal(table)) return reserved(table);
    if (table?.startsWith('pragma_') === true) return this.#judgePragma(table.slice('pragma_'.length));
    if (this.#mode !== 'write') return undefined;
    if (table === 'dbstat')
      return differs('dbstat describes the file of one replica: the files differ, although their content is the same');
    // Where a table begins in the file depends on how commands were batched. SQLite itself reads it for DROP and ALTER.
    const layout = table === 'sqlite_master' && column === 'rootpage' && this.#keyword !== 'DROP' && this.#keyword !== 'ALTER';
    return layout ? differs('rootpage describes the file of one replica: leave it out') : undefined;
  }

  #judgeFunction(name: string): Denial | undefined {
    if (DANGEROUS_FUNCTIONS.has(name)) return forbidden(`${name}() is not allowed`);
    if (this.#mode !== 'write' || DETERMINISTIC_FUNCTIONS.has(name)) return undefined;
    // Functions of ALTER TABLE: SQLite lets nobody else call them.
    if (this.#keyword === 'ALTER' && name.startsWith('sqlite_')) return undefined;
    return differs(`${name.startsWith('current_') ? name : `${name}()`} ${reasonAgainst(name)}`);
  }

  #judgePragma(name: string): Denial | undefined {
    if (this.#mode !== 'write') {
      if (SCHEMA_PRAGMAS.has(name)) return undefined;
      return forbidden(`PRAGMA ${name} is not allowed: a read may ask ${[...SCHEMA_PRAGMAS].join(', ')}`);
    }
    // ALTER TABLE ... ADD COLUMN checks the rows that are there.
    if (this.#keyword === 'ALTER' && name === 'quick_check') return undefined;
    return forbidden(`PRAGMA ${name} is not allowed: it sets or describes one replica only`);
  }

  #note(action: number, first: string | null, second: string | null, via: string | null): void {
    const facts = this.#facts;
    if (via !== null) facts.firesTriggers = true;
    if (action === SQLITE_INSERT && first !== null && !first.startsWith('sqlite_')) facts.insertsInto.add(first);
    else if (action === SQLITE_UPDATE && first !== null && second !== null && !first.startsWith('sqlite_')) {
      const columns = facts.updates.get(first) ?? new Set();
      facts.updates.set(first, columns.add(second));
    } else if (action === SQLITE_CREATE_TABLE && first !== null) facts.touchedTables.add(first);
    else if (action === SQLITE_ALTER_TABLE && second !== null) facts.touchedTables.add(second);
    else if (action === SQLITE_CREATE_TRIGGER && second !== null) facts.triggeredTables.add(second);
  }
}

function reserved(name: string | null): Denial {
  return forbidden(`'${name}' is reserved: names that begin with ${INTERNAL_PREFIX} belong to windtunnel`);
}
