/* SQL text cut into tokens, as far as it takes to tell words from quotes and comments. Private to pg/. Pure.
 */
#ifndef PG_SQLTEXT_H
#define PG_SQLTEXT_H

#include "base/base.h"

enum sql_kind {
    SQL_END,
    SQL_SPACE,  /* a run of white space and comments */
    SQL_WORD,   /* keyword or unquoted identifier */
    SQL_QUOTED, /* '…', E'…', "…" or $tag$…$tag$, with its quotes */
    SQL_OTHER,  /* one character of anything else */
};
struct sql_token {
    enum sql_kind kind;
    const char *start;
    size_t len;
};

/* The token that begins at text (NUL-terminated); SQL_END with len 0 at its end. What is not terminated
 * reaches to the end of the text. */
struct sql_token sql_next(const char *text);
/* True if token is this word; word in lower case. */
bool sql_is_word(const struct sql_token *token, const char *word);

#endif
