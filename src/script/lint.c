/* A small tokenizer that knows strings and comments, to refuse bitwise operators. */
#include "script/lint.h"

#include <string.h>

struct cursor {
    const char *at, *end;
    int line;
};

static char peek(const struct cursor *c, size_t ahead)
{
    return (size_t)(c->end - c->at) > ahead ? c->at[ahead] : '\0';
}

static void step(struct cursor *c)
{
    if (*c->at == '\n')
        c->line++;
    c->at++;
}

/* At '[': the number of '=' of a long bracket, or -1 if it is an ordinary one. */
static int long_bracket_level(const struct cursor *c)
{
    size_t level = 0;
    while (peek(c, 1 + level) == '=')
        level++;
    return peek(c, 1 + level) == '[' ? (int)level : -1;
}

static void skip_long_bracket(struct cursor *c, int level)
{
    while (c->at < c->end) {
        if (*c->at == ']') {
            int found = 0;
            while (peek(c, 1 + (size_t)found) == '=')
                found++;
            if (found == level && peek(c, 1 + (size_t)found) == ']') {
                c->at += level + 2;
                return;
            }
        }
        step(c);
    }
}

static void skip_string(struct cursor *c)
{
    char quote = *c->at;
    c->at++;
    while (c->at < c->end && *c->at != quote) {
        if (*c->at == '\\' && c->at + 1 < c->end)
            step(c);
        step(c);
    }
    if (c->at < c->end)
        c->at++;
}

static void skip_line(struct cursor *c)
{
    while (c->at < c->end && *c->at != '\n')
        c->at++;
}

static void skip_comment(struct cursor *c)
{
    c->at += 2;
    int level = peek(c, 0) == '[' ? long_bracket_level(c) : -1;
    if (level >= 0)
        skip_long_bracket(c, level);
    else
        skip_line(c);
}

static const char *bitwise_operator(const struct cursor *c)
{
    char next = peek(c, 1);
    switch (*c->at) {
    case '&':
        return "&";
    case '|':
        return "|";
    case '~':
        return next == '=' ? NULL : "~";
    case '<':
        return next == '<' ? "<<" : NULL;
    case '>':
        return next == '>' ? ">>" : NULL;
    default:
        return NULL;
    }
}

int lint_source(const struct bundle_file *file, struct err *err)
{
    struct cursor c = {.at = file->bytes, .end = file->bytes + file->len, .line = 1};
    if (peek(&c, 0) == '#')
        skip_line(&c);
    while (c.at < c.end) {
        char now = *c.at;
        if (now == '-' && peek(&c, 1) == '-') {
            skip_comment(&c);
        } else if (now == '"' || now == '\'') {
            skip_string(&c);
        } else if (now == '[' && long_bracket_level(&c) >= 0) {
            skip_long_bracket(&c, long_bracket_level(&c));
        } else if (now == '~' && peek(&c, 1) == '=') {
            c.at += 2;
        } else {
            const char *symbol = bitwise_operator(&c);
            if (symbol)
                return err_set(err, ERR_SCRIPT,
                               "%s:%d: bitwise operator '%s' (Lua 5.4.4 computes it wrongly in large chunks)",
                               file->path, c.line, symbol);
            step(&c);
        }
    }
    return 0;
}
