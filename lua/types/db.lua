---@meta db
-- PostgreSQL. Every call yields the task until the answer is here; nothing blocks the worker.
-- Failures raise an `err` table (see err.lua): the request answers 503 or 500, a transaction rolls back. An expected
-- failure (a constraint) is caught with pcall and told apart by `err.constraint`, or avoided with ON CONFLICT.
--
-- Parameters $1…$n: nil and json.null → NULL, boolean, integer, float (finite), string (no NUL byte, else it raises),
-- db.array{…} → array, db.json(v) → jsonb. The server infers types; cast where it cannot ($1::uuid).
-- Results: boolean, integers (exact), float → number; uuid, numeric (exact digits), text, date (YYYY-MM-DD), timestamptz
-- (RFC 3339 UTC with microseconds) → string; json, jsonb → Lua value as json.decode makes it; arrays → list with
-- json.null for NULL; NULL → nil. Anything else raises "cast it to text".

local db = {}

---@class db.statement  A registered SQL text; opaque.
---@alias db.row table<string, any>

---Register an SQL text. Only while modules load (top level of lua/store/*.lua), so that check and reload can PREPARE every
---statement and name file and line of a broken one. Raises later.
---@param text string
---@return db.statement
function db.sql(text) end

---Register a statement about at most one row, by its key, that PostgreSQL can run once for many. Each who asks gets its own row,
---nil or error, as if it had asked alone. Nobody waits for that.
--- - `db.one` and `db.one_json` ask what only reads together for up to 16 requests that want such a row in the same turn of the
---   loop; only the time that a statement may take is theirs in common.
--- - Transactions that share one of PostgreSQL (`share` of db.transaction) send it together, up to 32, also if it locks, inserts
---   or updates.
---Everywhere else it is a statement as of db.sql.
---It must have 1 to 32 parameters, say the type of each wherever it stands, always the same, in one word without a length
---($1::uuid, not $1::uuid[]; $1::text, not $1::char); call nothing "asked"; end neither in an OFFSET nor in a semicolon.
---What changes rows is written "insert … select … returning …" or "update … set … where … returning …", without "from"; $1 is a
---uuid that no two of those that share have in common (the child), and the first column that it returns. `lexicraft check` finds
---what PostgreSQL would call otherwise for many: a column that is a parameter is named ($2::text as word), and so is each of an
---update's "returning". What answers anew at each call (gen_random_uuid()) stands in no subquery and no "with": there all have
---the same answer.
---@param text string
---@return db.statement
function db.sql_one(text) end

---Run a statement in the pipelined lane and return all rows. A statement that only reads shares a Sync with others.
---@param statement db.statement|string  a string only in tools and specs
---@return db.row[] rows
function db.query(statement, ...) end

---@class db.rows  A list that can only be read: #rows, rows[i] (a row made anew each time), ipairs(rows).
local rows = {}

---The first rows, at most so many, as finished JSON: an array of objects. For the `json` of an answer or of json.encode,
---anywhere in it, once; nothing can be read from it or added to it. The last that is asked of the rows.
---@param view json.view
---@param most integer
---@param same? table<string, any>  values that all rows have, where the statement has no such column
---@return userdata json
function rows:json(view, most, same) end

---Like query, for rows that go into an answer as they are: they cost a third if nobody looks at them.
---@param statement db.statement|string  a string only in tools and specs
---@return db.rows
function db.rows(statement, ...) end

---Like query, but at most one row: nil if there is none, raises if there are more.
---@return db.row?
function db.one(statement, ...) end

---Like one, for a row that goes into an answer as it is: finished JSON, as that of rows:json.
---@param view json.view
---@param statement db.statement|string  a string only in tools and specs
---@return userdata? json
function db.one_json(view, statement, ...) end

---Run a statement that writes (always its own Sync, never repeated by itself).
---@return integer affected
---@return db.row[] rows  of RETURNING, else empty
function db.exec(statement, ...) end

---@class db.options
---@field isolation? "read committed"|"repeatable read"|"serializable"
---@field read_only? boolean
---@field lock_ms? integer  SET LOCAL lock_timeout; default `database.lock_ms` of config.lua
---@field share? string  1 to 100 bytes: it may share one transaction of PostgreSQL with others whose text here is another, at
---most `database.sharing_max`. What they cost besides their statements, BEGIN, COMMIT, the wait for the disk, is then paid once.
---It is for what has a lock of its own, named by this text and taken first, and reads and changes only what that lock
---guards: of the rows of others it may see what is not committed yet. All are committed together. When one fails, or ends without
---COMMIT after a statement that may have changed something, all are rolled back and fn runs again for each, by itself; so too
---when one waits for a lock for longer than `database.sharing_lock_ms`. A connection that is lost is lost for all of them.

---Run fn(tx) in a transaction on an exclusive connection. Commits when fn returns normally; rolls back when fn raises (and
---raises again) or returns nil, err (and returns that). 40001 and 40P01 run fn again from the start (at most 3 times,
---jittered), so fn must have no effect outside of the transaction. Raises err.code "unknown" when the answer to COMMIT was lost.
---0A000 and 26000, which a migration causes under a prepared statement, run it again as well. Transactions do not nest, and
---while one is open its task uses tx:, not db. (both raise). A failed statement ends the transaction: whatever is asked of it next raises the
---same error.
---@generic T
---@param options db.options
---@param fn fun(tx: db.tx): T, any
---@return T, any
---@overload fun(fn: fun(tx: db.tx): any, any): any, any
function db.transaction(options, fn) end

---Another database, by its URL. For tools only; at most three.
---@param url string
---@return db.other
function db.connect(url) end

---@class db.other
local other = {}

---As db.transaction, in that database. One of each may be open at the same time.
---@generic T
---@param options db.options
---@param fn fun(tx: db.tx): T, any
---@return T, any
---@overload fun(self: db.other, fn: fun(tx: db.tx): any, any): any, any
function other:transaction(options, fn) end

---@class db.tx
local tx = {}

---Send the statement together with everything queued before it, and wait for its rows.
---@return db.row[]
function tx:query(statement, ...) end
---@return db.row?
function tx:one(statement, ...) end
---@return integer affected, db.row[] rows
function tx:exec(statement, ...) end

---Queue a statement without sending it. It travels with the next one that is waited for, or with COMMIT: that is how a
---transaction costs two round trips. Its failure raises at that point.
---@return db.pending
function tx:later(statement, ...) end

---Readable as often as wanted, also after the transaction has committed: what travelled with COMMIT has its result then.
---@class db.pending
local pending = {}
---Wait for the result (sends everything queued).
---@return db.row[]
function pending:rows() end
---@return db.row?
function pending:one() end
---@param view json.view
---@return userdata[] rows  each as finished JSON, see rows:json
function pending:json(view) end
---@return integer
function pending:affected() end

---Mark a list as an array parameter. Encoded at once, as is db.json: a later change of the list does not show.
---@param list any[]  elements: nil is not possible, json.null → NULL; booleans, numbers, strings
---@return db.array
function db.array(list) end

---Mark a value as a jsonb parameter: its text by json.encode, at once. What is marked already stays as it is.
---@return db.json
function db.json(value) end

return db
