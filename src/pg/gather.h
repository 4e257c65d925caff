/* Reads of one row that many requests ask for in the same turn of the loop become one statement.
 *
 * What such a statement costs PostgreSQL is mostly that it is a statement; finding one more row by its key is
 * little beside it. An op with a form for many (pg_op.together) that waits for a connection together with
 * others of the same form is not sent: a carrier is sent in their place, an op whose parameters are arrays
 * with an element for each of them, and every asker gets its own row of the carrier's result. Who is alone in
 * its turn is asked as it is. Nobody waits for others.
 *
 * Limits count what they always did: pg_settings.waiting_max the askers, in_flight_max the statements. Each
 * asker has its own deadline. When the carrier fails, each asks by itself. Pure; never raises a Lua error.
 */
#ifndef PG_GATHER_H
#define PG_GATHER_H

#include "base/buf.h"
#include "base/err.h"

/* Append the form of text (a read, at most one row for its parameters) that asks for many: its parameters are
 * arrays of the same length, its first column is the number of the asker from 1 on, the others are those of
 * text. ERR_INVALID if it has none: every parameter needs its type where it stands first, $1::uuid, one word
 * and no other later; nothing in it is called asked. */
int pg_gather_text(const char *text, struct buf *out, struct err *err) MUSTCHECK;

#endif
