/* The process environment and the two files beside it that say the same things for a second shell. */
#include "host/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

struct variable {
    char *name, *value;
    int line;
};
struct variables {
    struct variable *items;
    size_t count;
};
struct environment {
    struct variables layers[ENVIRONMENT_LAYERS]; /* the process' stays empty: getenv knows it */
};

const char *environment_layer_name(enum environment_layer layer)
{
    static const char *const names[] = {"environment", ".env", "var/env"};
    assert((size_t)layer < COUNT_OF(names));
    return names[layer];
}

static int read_all(int fd, const char *path, size_t bytes_max, struct buf *out, struct err *err)
{
    for (;;) {
        buf_reserve(out, 4096);
        ssize_t n = read(fd, out->data + out->len, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
        if (n == 0)
            break;
        out->len += (size_t)n;
        if (out->len > bytes_max)
            return err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, bytes_max);
    }
    buf_append(out, "", 0);
    return 0;
}

int environment_read_file(const char *root, const char *path, size_t bytes_max, struct buf *out,
                          struct err *err)
{
    struct buf full = BUF_INIT;
    struct stat st;
    if (path[0] != '/')
        buf_appendf(&full, "%s/", root);
    buf_append_str(&full, path);
    /* O_NONBLOCK: a FIFO in the place of the file must not stop us. */
    int fd = open(full.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int why = errno;
    buf_release(&full);
    if (fd < 0)
        return why == ENOENT || why == ENOTDIR ? 1 : err_set(err, ERR_IO, "%s: %s", path, strerror(why));
    int rc;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        rc = err_set(err, ERR_IO, "%s: not a regular file", path);
    else
        rc = read_all(fd, path, bytes_max, out, err);
    close(fd);
    return rc;
}

static bool is_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool letter =
            (name[i] >= 'A' && name[i] <= 'Z') || (name[i] >= 'a' && name[i] <= 'z') || name[i] == '_';
        if (!letter && (i == 0 || name[i] < '0' || name[i] > '9'))
            return false;
    }
    return len > 0;
}

static const char *skip_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

/* Reads the quoted text after its opening quote; returns what follows the closing one, or NULL. */
static const char *read_quoted(const char *p, char quote, struct buf *out)
{
    for (; *p != quote; p++) {
        if (*p == '\0')
            return NULL;
        if (quote == '"' && *p == '\\') {
            p++;
            if (*p == '\0' || strchr("n\"\\$", *p) == NULL)
                return NULL;
            buf_append_char(out, *p == 'n' ? '\n' : *p);
            continue;
        }
        buf_append_char(out, *p);
    }
    return p + 1;
}

/* What stands right of "=": a reason why not, or NULL. */
static const char *read_value(const char *p, struct buf *out)
{
    p = skip_blanks(p);
    if (*p == '\'' || *p == '"') {
        const char *rest = read_quoted(p + 1, *p, out);
        if (rest == NULL)
            return "quotes that do not end, or an unknown escape";
        rest = skip_blanks(rest);
        return *rest == '\0' || *rest == '#' ? NULL : "text after the closing quote";
    }
    for (; *p != '\0'; p++) {
        if (*p == '#' && (out->len == 0 || p[-1] == ' ' || p[-1] == '\t'))
            break;
        buf_append_char(out, *p);
    }
    while (out->len > 0 && (out->data[out->len - 1] == ' ' || out->data[out->len - 1] == '\t'))
        out->data[--out->len] = '\0';
    return NULL;
}

static int read_line(struct variables *v, const char *line, const char *file, int number, struct err *err)
{
    struct buf value = BUF_INIT;
    line = skip_blanks(line);
    if (*line == '\0' || *line == '#')
        return 0;
    if (strncmp(line, "export ", 7) == 0)
        line = skip_blanks(line + 7);
    const char *equals = strchr(line, '=');
    if (equals == NULL || !is_name(line, (size_t)(equals - line)))
        return err_set(err, ERR_INVALID, "%s:%d: not of the form NAME=value", file, number);
    const char *why = read_value(equals + 1, &value);
    if (why != NULL) {
        buf_release(&value);
        return err_set(err, ERR_INVALID, "%s:%d: %s", file, number, why);
    }
    v->items = x_realloc(v->items, (v->count + 1) * sizeof(*v->items));
    v->items[v->count++] = (struct variable){
        .name = x_strndup(line, (size_t)(equals - line)), .value = buf_detach(&value), .line = number};
    return 0;
}

static int read_lines(struct variables *v, char *text, const char *file, struct err *err)
{
    int number = 0;
    for (char *line = text; line != NULL;) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        size_t len = strlen(line);
        if (len > 0 && line[len - 1] == '\r')
            line[len - 1] = '\0';
        if (read_line(v, line, file, ++number, err) != 0)
            return -1;
        line = end == NULL ? NULL : end + 1;
    }
    return 0;
}

static int read_layer(struct environment *e, enum environment_layer layer, const char *root, struct err *err)
{
    struct buf text = BUF_INIT;
    const char *name = environment_layer_name(layer);
    int rc = environment_read_file(root, name, ENVIRONMENT_FILE_BYTES_MAX, &text, err);
    if (rc == 0 && strlen(text.data) != text.len)
        rc = err_set(err, ERR_INVALID, "%s: holds a NUL byte", name);
    else if (rc == 0)
        rc = read_lines(&e->layers[layer], text.data, name, err);
    if (text.data != NULL)
        sodium_memzero(text.data, text.len);
    buf_release(&text);
    return rc < 0 ? -1 : 0;
}

struct environment *environment_read(const char *root, struct err *err)
{
    struct environment *e = x_calloc(1, sizeof(*e));
    if (read_layer(e, ENVIRONMENT_DOT_ENV, root, err) != 0 ||
        read_layer(e, ENVIRONMENT_VAR_ENV, root, err) != 0) {
        environment_free(e);
        return NULL;
    }
    return e;
}

void environment_free(struct environment *e)
{
    if (e == NULL)
        return;
    for (size_t layer = 0; layer < ENVIRONMENT_LAYERS; layer++) {
        struct variables *v = &e->layers[layer];
        for (size_t i = 0; i < v->count; i++) {
            sodium_memzero(v->items[i].value, strlen(v->items[i].value));
            free(v->items[i].name);
            free(v->items[i].value);
        }
        free(v->items);
    }
    free(e);
}

const char *environment_get(const struct environment *e, enum environment_layer layer, const char *name,
                            int *line)
{
    const char *value = NULL;
    int number = 0;
    if (layer == ENVIRONMENT_PROCESS)
        value = getenv(name);
    for (size_t i = 0; i < e->layers[layer].count; i++) {
        /* The last of several wins, as in a shell. */
        if (strcmp(e->layers[layer].items[i].name, name) == 0) {
            value = e->layers[layer].items[i].value;
            number = e->layers[layer].items[i].line;
        }
    }
    if (line != NULL)
        *line = number;
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static void visit_process(void (*visit)(void *data, const char *name, int line), void *data)
{
    for (char **at = environ; *at != NULL; at++) {
        const char *equals = strchr(*at, '=');
        if (equals == NULL || equals[1] == '\0')
            continue;
        char *name = x_strndup(*at, (size_t)(equals - *at));
        visit(data, name, 0);
        free(name);
    }
}

void environment_each(const struct environment *e, enum environment_layer layer,
                      void (*visit)(void *data, const char *name, int line), void *data)
{
    if (layer == ENVIRONMENT_PROCESS) {
        visit_process(visit, data);
        return;
    }
    const struct variables *v = &e->layers[layer];
    for (size_t i = 0; i < v->count; i++) {
        if (v->items[i].value[0] != '\0')
            visit(data, v->items[i].name, v->items[i].line);
    }
}
