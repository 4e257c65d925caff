/* Statements about one row each that many ask for at the same moment become one.
 *
 * What such a statement costs PostgreSQL is mostly that it is a statement; one row more is little beside it.
 * An op with a form for many (pg_op.together) that is to be sent together with others of the same form is not
 * sent: a carrier is sent in their place, an op whose parameters are arrays with an element for each of them,
 * and every asker gets its own row of the carrier's result. Who is alone is asked as it is. Nobody waits for
 * others.
 *
 * Reads outside of transactions: those that wait for a connection in the same turn of the loop. Limits count
 * what they always did: pg_settings.waiting_max the askers, in_flight_max the statements. Each asker has its
 * own deadline. When the carrier fails, each asks by itself.
 *
 * In transactions that share one of PostgreSQL (pg_tx_options.share): what they send at the same moment, also
 * what locks, inserts or updates. When the carrier fails, all of them have failed, as always there.
 *
 * Pure; never raises a Lua error.
 */
#ifndef PG_GATHER_H
#define PG_GATHER_H

#include "base/buf.h"
#include "base/err.h"

struct pg_result;
struct pg_statement;

/* Append the form of text (at most one row for its parameters) that asks for many: its parameters are arrays
 * of the same length. ERR_INVALID if it has none: every parameter needs its type wherever it stands,
 * $1::uuid, one word and always the same; nothing in it is called asked. Of what reads or locks, the first
 * column is the number of the asker from 1 on, the others are those of text. What changes rows is written
 * "insert … select … returning …" or "update … set … where … returning …"; $1 is a uuid that no two askers
 * have in common, and the first column that it returns. */
int pg_gather_text(const char *text, struct buf *out, struct err *err) MUSTCHECK;
/* Does what PostgreSQL describes of the form tell everybody the same as that of the statement alone? */
int pg_gather_check(const struct pg_statement *alone, const struct pg_result *alone_columns,
                    const struct pg_result *columns, struct err *err) MUSTCHECK;
/* Does the form say by number whose a row is? */
bool pg_gather_reads(const struct pg_statement *statement);

#endif
