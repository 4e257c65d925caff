/* Cuts SQL text into tokens by PostgreSQL's lexical rules (quotes, dollar quotes, nested comments). */
#include "pg/sqltext.h"

#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word_start(char c)
{
    unsigned char u = (unsigned char)c;
    return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || u == '_' || u >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_line_comment(const char *p)
{
    return p + strcspn(p, "\n");
}

static const char *skip_block_comment(const char *p)
{
    int depth = 0;
    while (*p != '\0') {
        if (p[0] == '/' && p[1] == '*') {
            depth++;
            p += 2;
        } else if (p[0] == '*' && p[1] == '/') {
            p += 2;
            if (--depth == 0)
                break;
        } else {
            p++;
        }
    }
    return p;
}

static const char *skip_space(const char *p)
{
    for (;;) {
        if (is_space(*p))
            p++;
        else if (p[0] == '-' && p[1] == '-')
            p = skip_line_comment(p);
        else if (p[0] == '/' && p[1] == '*')
            p = skip_block_comment(p);
        else
            return p;
    }
}

/* p is at the opening quote; a doubled quote inside stands for one. */
static const char *skip_quoted(const char *p, bool backslashes)
{
    char quote = *p++;
    for (; *p != '\0'; p++) {
        if (backslashes && p[0] == '\\' && p[1] != '\0')
            p++;
        else if (p[0] == quote && p[1] == quote)
            p++;
        else if (p[0] == quote)
            return p + 1;
    }
    return p;
}

/* The end of $tag$…$tag$, or NULL if p does not begin one ($1 is a parameter). */
static const char *skip_dollar_quoted(const char *p)
{
    const char *tag = p + 1;
    const char *end = tag;
    if (is_word_start(*end)) {
        while (is_word_start(*end) || is_digit(*end))
            end++;
    }
    if (*end != '$')
        return NULL;
    size_t len = (size_t)(end + 1 - p);
    for (const char *at = end + 1; (at = strchr(at, '$')) != NULL; at++) {
        if (strncmp(at, p, len) == 0)
            return at + len;
    }
    return p + strlen(p);
}

static struct sql_token token_make(enum sql_kind kind, const char *start, const char *end)
{
    return (struct sql_token){.kind = kind, .start = start, .len = (size_t)(end - start)};
}

struct sql_token sql_next(const char *text)
{
    if (*text == '\0')
        return token_make(SQL_END, text, text);
    const char *end = skip_space(text);
    if (end != text)
        return token_make(SQL_SPACE, text, end);
    if (*text == '\'' || *text == '"')
        return token_make(SQL_QUOTED, text, skip_quoted(text, false));
    if ((*text == 'e' || *text == 'E') && text[1] == '\'')
        return token_make(SQL_QUOTED, text, skip_quoted(text + 1, true));
    if (*text == '$' && (end = skip_dollar_quoted(text)) != NULL)
        return token_make(SQL_QUOTED, text, end);
    if (!is_word_start(*text))
        return token_make(SQL_OTHER, text, text + 1);
    for (end = text + 1; is_word_start(*end) || is_digit(*end) || *end == '$'; end++)
        continue;
    return token_make(SQL_WORD, text, end);
}

bool sql_is_word(const struct sql_token *token, const char *word)
{
    return token->kind == SQL_WORD && strlen(word) == token->len &&
           strncasecmp(token->start, word, token->len) == 0;
}
