/* Reads config.lua and lua/ once, with limits, and hashes what was read. */
#include "script/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"

#define FOLDER_DEPTH_MAX 16
#define RULES_PREFIX "lua/rules/"

struct reader {
    struct bundle *bundle;
    char *root;  /* resolved */
    size_t skip; /* so many bytes of a path are not part of its place below root */
    size_t cap;
    size_t bytes; /* read so far, of all files */
    struct err *err;
};

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t len = strlen(text), tail = strlen(suffix);
    return len > tail && strcmp(text + len - tail, suffix) == 0;
}

static bool is_inside(const char *root, const char *resolved)
{
    size_t len = strlen(root);
    if (len == 1)
        return true; /* "/" */
    return strncmp(root, resolved, len) == 0 && resolved[len] == '/';
}

/* Read at most max bytes; one more is an error. */
static int read_all(int fd, size_t max, struct buf *out, const char *path, struct err *err)
{
    for (;;) {
        buf_reserve(out, 16384);
        ssize_t n = read(fd, out->data + out->len, 16384);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
        if (n == 0)
            break;
        out->len += (size_t)n;
        if (out->len > max)
            return err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, max);
    }
    out->data[out->len] = '\0';
    return 0;
}

static void hash_hex(const unsigned char *digest, char hex[65])
{
    sodium_bin2hex(hex, 65, digest, crypto_hash_sha256_BYTES);
}

static void add_file(struct reader *r, const char *path, const char *text, size_t len)
{
    struct bundle *b = r->bundle;
    if (b->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 32;
        b->files = x_realloc(b->files, r->cap * sizeof *b->files);
    }
    struct bundle_file *file = &b->files[b->count++];
    *file = (struct bundle_file){.path = x_strdup(path), .len = len};
    char *bytes = x_malloc(len + 1); /* kept for long, unlike the room for reading */
    memcpy(bytes, text, len);
    bytes[len] = '\0';
    file->bytes = bytes;
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)file->bytes, file->len);
    hash_hex(digest, file->hash);
}

/* What an editor may leave in a file that Lua or PostgreSQL would only stumble over later, in other words. */
static int check_text(const char *path, const char *bytes, size_t len, struct err *err)
{
    if (!utf8_is_valid(bytes, len))
        return err_set(err, ERR_INVALID, "%s: not UTF-8", path);
    if (len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        return err_set(err, ERR_INVALID, "%s:1: begins with a byte order mark; save it without one", path);
    const char *nul = len > 0 ? memchr(bytes, '\0', len) : NULL;
    if (nul == NULL)
        return 0;
    int line = 1;
    for (const char *at = bytes; at < nul; at++)
        line += *at == '\n';
    return err_set(err, ERR_INVALID, "%s:%d: holds a NUL byte", path, line);
}

/* path is relative to the root, resolved where its bytes really are. */
static int read_file(struct reader *r, const char *path, const char *resolved)
{
    if (r->bundle->count == BUNDLE_FILES_MAX)
        return err_set(r->err, ERR_LIMIT, "%s: more than %d files", path, BUNDLE_FILES_MAX);
    int fd = open(resolved, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return err_set(r->err, ERR_IO, "%s: %s", path, strerror(errno));
    size_t max = has_prefix(path, RULES_PREFIX) ? BUNDLE_RULE_BYTES_MAX : BUNDLE_FILE_BYTES_MAX;
    struct buf content = BUF_INIT;
    struct stat st;
    int rc;
    if (fstat(fd, &st) < 0)
        rc = err_set(r->err, ERR_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        rc = err_set(r->err, ERR_IO, "%s: not a regular file", path);
    else
        rc = read_all(fd, max, &content, path, r->err);
    close(fd);
    r->bytes += content.len;
    if (rc == 0 && r->bytes > BUNDLE_BYTES_MAX)
        rc = err_set(r->err, ERR_LIMIT, "%s: more than %u bytes in all files", path, BUNDLE_BYTES_MAX);
    if (rc == 0)
        rc = check_text(path, content.data, content.len, r->err);
    if (rc == 0)
        add_file(r, path, content.data, content.len);
    buf_release(&content);
    return rc;
}

static int read_folder(struct reader *r, const char *path, int depth);

static int read_entry(struct reader *r, const char *folder, const char *name, int depth)
{
    if (name[0] == '.')
        return 0;
    char path[PATH_MAX], full[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path ||
        (size_t)snprintf(full, sizeof full, "%s/%s", r->root, path + r->skip) >= sizeof full)
        return err_set(r->err, ERR_LIMIT, "%s: path too long", folder);
    if (strcmp(path, "lua/types") == 0)
        return 0;
    struct stat st;
    bool gone = stat(full, &st) < 0;
    if (!has_suffix(name, ".lua") && (gone || !S_ISDIR(st.st_mode)))
        return 0;
    char *resolved = gone ? NULL : realpath(full, NULL);
    if (!resolved)
        return err_set(r->err, ERR_IO, "%s: %s", path, strerror(errno));
    int rc = 0;
    if (!utf8_is_valid(path, strlen(path)))
        rc = err_set(r->err, ERR_INVALID, "%s: its name is not UTF-8", folder);
    else if (!is_inside(r->root, resolved))
        rc = 0;
    else if (S_ISDIR(st.st_mode))
        rc = read_folder(r, path, depth + 1);
    else
        rc = read_file(r, path, resolved);
    free(resolved);
    return rc;
}

static int read_folder(struct reader *r, const char *path, int depth)
{
    if (depth > FOLDER_DEPTH_MAX)
        return err_set(r->err, ERR_LIMIT, "%s: folders nested more than %d deep", path, FOLDER_DEPTH_MAX);
    char full[PATH_MAX];
    if ((size_t)snprintf(full, sizeof full, "%s/%s", r->root, path + r->skip) >= sizeof full)
        return err_set(r->err, ERR_LIMIT, "%s: path too long", path);
    DIR *dir = opendir(full);
    if (!dir) {
        if (errno == ENOENT && depth == 0)
            return 0;
        return err_set(r->err, ERR_IO, "%s: %s", path, strerror(errno));
    }
    int rc = 0;
    struct dirent *entry;
    while (rc == 0 && (errno = 0, entry = readdir(dir)) != NULL)
        rc = read_entry(r, path, entry->d_name, depth);
    if (rc == 0 && errno != 0)
        rc = err_set(r->err, ERR_IO, "%s: %s", path, strerror(errno));
    closedir(dir);
    return rc;
}

static int read_config(struct reader *r)
{
    char full[PATH_MAX];
    if ((size_t)snprintf(full, sizeof full, "%s/config.lua", r->root) >= sizeof full)
        return err_set(r->err, ERR_LIMIT, "%s: path too long", r->root);
    char *resolved = realpath(full, NULL);
    if (!resolved)
        return err_set(r->err, ERR_IO, "config.lua: %s", strerror(errno));
    int rc = is_inside(r->root, resolved) ? read_file(r, "config.lua", resolved)
                                          : err_set(r->err, ERR_IO, "config.lua: a link out of the root");
    free(resolved);
    return rc;
}

static int by_path(const void *a, const void *b)
{
    const struct bundle_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

static void hash_part(crypto_hash_sha256_state *state, const char *bytes, size_t len)
{
    unsigned char size[8];
    for (int i = 0; i < 8; i++)
        size[i] = (unsigned char)((uint64_t)len >> (8 * i));
    crypto_hash_sha256_update(state, size, sizeof size);
    crypto_hash_sha256_update(state, (const unsigned char *)bytes, len);
}

/* Each part is preceded by its length, so no two different bundles give the same stream of bytes. */
static void hash_files(const struct bundle *b, const char *prefix, char hex[65])
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < b->count; i++) {
        const struct bundle_file *file = &b->files[i];
        if (!has_prefix(file->path, prefix))
            continue;
        hash_part(&state, file->path, strlen(file->path));
        hash_part(&state, file->bytes, file->len);
    }
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&state, digest);
    hash_hex(digest, hex);
}

static struct bundle *finish(struct bundle *b)
{
    if (b->count > 0)
        qsort(b->files, b->count, sizeof *b->files, by_path);
    hash_files(b, "", b->hash);
    hash_files(b, RULES_PREFIX, b->rule_version);
    return b;
}

/* r is set up to read below folder. */
static struct bundle *begin(struct reader *r, const char *folder, struct err *err)
{
    *r = (struct reader){.err = err, .root = realpath(folder, NULL)};
    if (!r->root) {
        (void)err_set(err, ERR_IO, "%s: %s", folder, strerror(errno));
        return NULL;
    }
    r->bundle = x_calloc(1, sizeof *r->bundle);
    r->bundle->refs = 1;
    r->bundle->root = r->root;
    return r->bundle;
}

struct bundle *bundle_read(const char *root, struct err *err)
{
    struct reader r;
    struct bundle *b = begin(&r, root, err);
    if (b && (read_config(&r) < 0 || read_folder(&r, "lua", 0) < 0)) {
        bundle_unref(b);
        return NULL;
    }
    return b ? finish(b) : NULL;
}

struct bundle *bundle_read_rules(const char *folder, struct err *err)
{
    struct reader r;
    struct bundle *b = begin(&r, folder, err);
    if (!b)
        return NULL;
    char below[PATH_MAX];
    struct stat st;
    bool is_root = (size_t)snprintf(below, sizeof below, "%s/lua/rules", b->root) < sizeof below &&
                   stat(below, &st) == 0 && S_ISDIR(st.st_mode);
    r.skip = is_root ? 0 : strlen("lua/rules");
    if (read_folder(&r, "lua/rules", 1) < 0) {
        bundle_unref(b);
        return NULL;
    }
    if (b->count == 0) {
        (void)err_set(err, ERR_INVALID, "%s: no rule files there", folder);
        bundle_unref(b);
        return NULL;
    }
    return finish(b);
}

static int add_text(struct reader *r, const struct bundle_text *text)
{
    if (!has_prefix(text->path, RULES_PREFIX) || !has_suffix(text->path, ".lua") ||
        strlen(text->path) <= strlen(RULES_PREFIX) + strlen(".lua"))
        return err_set(r->err, ERR_INVALID, "%.200s: not the path of a rule file", text->path);
    if (r->bundle->count == BUNDLE_FILES_MAX)
        return err_set(r->err, ERR_LIMIT, "%s: more than %d files", text->path, BUNDLE_FILES_MAX);
    if (text->len > BUNDLE_RULE_BYTES_MAX)
        return err_set(r->err, ERR_LIMIT, "%s: larger than %u bytes", text->path, BUNDLE_RULE_BYTES_MAX);
    if (!utf8_is_valid(text->path, strlen(text->path)))
        return err_set(r->err, ERR_INVALID, "%s: not UTF-8", text->path);
    if (check_text(text->path, text->bytes, text->len, r->err) < 0)
        return -1;
    add_file(r, text->path, text->bytes, text->len);
    return 0;
}

struct bundle *bundle_of_rules(const struct bundle_text *texts, size_t count, struct err *err)
{
    struct reader r = {.err = err, .bundle = x_calloc(1, sizeof *r.bundle)};
    r.bundle->refs = 1;
    for (size_t i = 0; i < count; i++) {
        if (add_text(&r, &texts[i]) < 0) {
            bundle_unref(r.bundle);
            return NULL;
        }
    }
    return finish(r.bundle);
}

struct bundle *bundle_ref(struct bundle *b)
{
    __atomic_add_fetch(&b->refs, 1, __ATOMIC_RELAXED);
    return b;
}

void bundle_unref(struct bundle *b)
{
    if (!b || __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < b->count; i++) {
        free(b->files[i].path);
        free(b->files[i].bytes);
    }
    free(b->files);
    free(b->root);
    free(b);
}

const struct bundle_file *bundle_find(const struct bundle *b, const char *path)
{
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(path, b->files[middle].path);
        if (order == 0)
            return &b->files[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
