/* The table of every setting, and how its value is checked, read from text and written as text. */
#include "host/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/log.h"
#include "bind/bind.h"
#include "http/server.h"

static int check_listen(const char *text, struct err *err);
static int check_level(const char *text, struct err *err);
static int check_origin(const char *text, struct err *err);
static int check_network(const char *text, struct err *err);

#define FIELD(section, name) offsetof(struct config, section.name)
#define TEXT(section, name, bytes_max, preset_text, mark_bits, other_name, check_fn)                         \
    {                                                                                                        \
#section "." #name, SETTING_TEXT, FIELD(section, name), 0, bytes_max, preset_text, mark_bits,        \
            other_name, check_fn                                                                             \
    }
#define NUMBER(section, name, least, most, preset_text, mark_bits)                                           \
    {                                                                                                        \
#section "." #name, SETTING_NUMBER, FIELD(section, name), least, most, preset_text, mark_bits, NULL, \
            NULL                                                                                             \
    }
#define FLAG(section, name, preset_text)                                                                     \
    {                                                                                                        \
#section "." #name, SETTING_FLAG, FIELD(section, name), 0, 1, preset_text, 0, NULL, NULL             \
    }

#define MS_MAX 3600000           /* an hour */
#define YEAR_S (366 * 24 * 3600) /* the longest life of anything in seconds */
#define MIB (INT64_C(1) << 20)

/* Same order as config.lua. */
const struct setting settings[] = {
    TEXT(api, listen, 100, "127.0.0.1:8080", SETTING_RESTART, NULL, check_listen),
    NUMBER(api, workers, 0, 256, "0", SETTING_RESTART),
    TEXT(admin, listen, 100, "127.0.0.1:8081", SETTING_RESTART, NULL, check_listen),
    TEXT(database, url, SETTING_TEXT_BYTES_MAX, "", SETTING_RESTART | SETTING_SECRET, "DATABASE_URL", NULL),
    TEXT(database, migration_url, SETTING_TEXT_BYTES_MAX, "", SETTING_RESTART | SETTING_SECRET,
         "LEXICRAFT_MIGRATION_URL", NULL),
    FLAG(database, prepared_statements, "true"),
    NUMBER(database, pipelined_connections, 1, 1000, "2", 0),
    NUMBER(database, exclusive_connections, 1, 1000, "10", 0),
    NUMBER(database, sharing_connections, 1, 1000, "2", 0),
    NUMBER(database, sharing_max, 1, 100, "32", 0),
    NUMBER(database, sharing_lock_ms, 1, MS_MAX, "100", 0),
    NUMBER(database, waiting_max, 0, 1000000, "2000", 0),
    NUMBER(database, in_flight_max, 1, 10000, "256", 0),
    NUMBER(database, wait_ms, 1, MS_MAX, "2000", 0),
    NUMBER(database, statement_ms, 1, MS_MAX, "5000", 0),
    NUMBER(database, connect_ms, 1, MS_MAX, "3000", 0),
    NUMBER(database, idle_transaction_ms, 1, MS_MAX, "5000", 0),
    NUMBER(database, lock_ms, 1, MS_MAX, "2000", 0),
    NUMBER(database, statements_max, 1, 10000, "256", 0),
    NUMBER(http, connections_max, 1, 1000000, "10000", 0),
    NUMBER(http, header_bytes_max, 512, MIB, "5120", 0),
    NUMBER(http, body_bytes_max, 0, 64 * MIB, "65536", 0),
    NUMBER(http, header_ms, 1, MS_MAX, "10000", 0),
    NUMBER(http, body_ms, 1, MS_MAX, "30000", 0),
    NUMBER(http, idle_ms, 1, MS_MAX, "60000", 0),
    NUMBER(http, write_ms, 1, MS_MAX, "30000", 0),
    NUMBER(http, drain_ms, 0, MS_MAX, "10000", 0),
    {"http.trusted_proxies", SETTING_LIST, FIELD(http, trusted_proxies), 0, 60, "", 0, NULL, check_network},
    {"http.cors_origins", SETTING_LIST, FIELD(http, cors_origins), 0, 255, "", 0, NULL, check_origin},
    NUMBER(http, cors_max_age_s, 0, 86400, "600", 0),
    NUMBER(json, depth_max, 1, 256, "32", 0),
    NUMBER(lua, memory_bytes_max, 4 * MIB, INT64_C(1) << 36, "268435456", 0),
    NUMBER(rules, cpu_ms, 1, 10000, "50", 0),
    NUMBER(rules, instructions_max, 1000, 1000000000, "1000000", 0),
    NUMBER(rules, memory_bytes_max, 64 << 10, 1024 * MIB, "8388608", 0),
    TEXT(auth, key_file, 1000, "var/secret", 0, NULL, NULL),
    TEXT(auth, previous_key_file, 1000, "", 0, NULL, NULL),
    TEXT(auth, key, AUTH_KEY_BYTES_MAX, "", SETTING_SECRET | SETTING_NO_FILE, NULL, NULL),
    TEXT(auth, previous_key, AUTH_KEY_BYTES_MAX, "", SETTING_SECRET | SETTING_NO_FILE, NULL, NULL),
    TEXT(auth, issuer, 127, "lexicraft", 0, NULL, NULL),
    TEXT(auth, audience, 127, "lexicraft-api", 0, NULL, NULL),
    TEXT(auth, supabase_key, AUTH_KEY_BYTES_MAX, "", SETTING_SECRET | SETTING_NO_FILE, NULL, NULL),
    TEXT(auth, supabase_issuer, 255, "", 0, NULL, NULL),
    TEXT(auth, supabase_audience, 127, "authenticated", 0, NULL, NULL),
    NUMBER(auth, access_token_s, 1, YEAR_S, "600", 0),
    NUMBER(auth, refresh_token_s, 1, YEAR_S, "2592000", 0),
    NUMBER(auth, device_token_s, 1, YEAR_S, "15552000", 0),
    NUMBER(auth, reset_token_s, 1, YEAR_S, "3600", 0),
    NUMBER(auth, hash_threads, 1, 64, "2", SETTING_RESTART),
    NUMBER(auth, hash_waiting_max, 0, 100000, "64", 0),
    NUMBER(auth, hash_memory_bytes, 8192, 1024 * MIB, "19922944", 0),
    NUMBER(auth, hash_passes, 1, 100, "2", 0),
    NUMBER(limits, requests_per_minute, 0, 100000000, "0", 0),
    NUMBER(limits, login_attempts, 1, 1000000, "10", 0),
    NUMBER(limits, login_attempts_per_address, 1, 100000000, "1000", 0),
    NUMBER(limits, login_window_s, 1, 86400, "300", 0),
    NUMBER(limits, page_default, 1, 1000, "50", 0),
    NUMBER(limits, page_max, 1, 1000, "200", 0),
    NUMBER(limits, related_max, 1, 100000, "1000", 0),
    NUMBER(limits, idempotency_hours, 1, 8784, "24", 0),
    FLAG(reload, watch, "true"),
    NUMBER(reload, debounce_ms, 1, 60000, "100", 0),
    NUMBER(reload, deadline_ms, 100, MS_MAX, "10000", 0),
    TEXT(log, level, 10, "info", 0, NULL, check_level),
};
const size_t settings_count = COUNT_OF(settings);

static int check_listen(const char *text, struct err *err)
{
    const char *colon = strrchr(text, ':');
    char host[64] = "";
    unsigned char address[16];
    if (colon == NULL || colon[1] < '0' || colon[1] > '9')
        return err_set(err, ERR_INVALID, "must be address:port, as 127.0.0.1:8080, [::1]:8080 or :8080");
    char *end;
    errno = 0;
    long port = strtol(colon + 1, &end, 10);
    if (errno != 0 || *end != '\0' || port > 65535)
        return err_set(err, ERR_INVALID, "must end in a port of 0 to 65535");
    size_t len = (size_t)(colon - text);
    bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    if (len >= sizeof(host))
        return err_set(err, ERR_INVALID, "must begin with an IP address or nothing");
    memcpy(host, bracketed ? text + 1 : text, bracketed ? len - 2 : len);
    if (host[0] != '\0' && inet_pton(bracketed ? AF_INET6 : AF_INET, host, address) != 1)
        return err_set(err, ERR_INVALID, "must begin with an IP address (IPv6 in brackets) or nothing");
    return 0;
}

static int check_level(const char *text, struct err *err)
{
    if (log_level_parse(text) < 0)
        return err_set(err, ERR_INVALID, "must be debug, info, warn, error or off");
    return 0;
}

/* An origin as a browser sends it: scheme://host[:port], no path; or "*". */
static int check_origin(const char *text, struct err *err)
{
    const char *host = strstr(text, "://");
    if (strcmp(text, "*") == 0)
        return 0;
    if (host == NULL || host == text || host[3] == '\0' || strpbrk(host + 3, "/?#@") != NULL)
        return err_set(err, ERR_INVALID, "must hold origins like https://app.example, or *");
    for (const char *p = text; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || *p == ',' || *p == '*' || (*p >= 'A' && *p <= 'Z'))
            return err_set(err, ERR_INVALID, "must hold origins in lower-case ASCII without blanks, or *");
    }
    return 0;
}

static int check_network(const char *text, struct err *err)
{
    if (!http_is_network(text))
        return err_set(err, ERR_INVALID, "must hold IP addresses and networks like 10.0.0.0/8");
    return 0;
}

const struct setting *setting_find(const char *key)
{
    for (size_t i = 0; i < settings_count; i++) {
        if (strcmp(settings[i].key, key) == 0)
            return &settings[i];
    }
    return NULL;
}

void setting_env_name(const struct setting *s, struct buf *out)
{
    buf_append_str(out, "LEXICRAFT_");
    for (const char *p = s->key; *p != '\0'; p++)
        buf_append_char(out, *p == '.' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p);
}

static void *field(const struct setting *s, const struct config *c)
{
    return (char *)(uintptr_t)c + s->offset;
}

char **setting_text_field(const struct setting *s, struct config *c)
{
    assert(s->kind == SETTING_TEXT);
    return field(s, c);
}

char ***setting_list_field(const struct setting *s, struct config *c)
{
    assert(s->kind == SETTING_LIST);
    return field(s, c);
}

int64_t setting_number(const struct setting *s, const struct config *c)
{
    assert(s->kind == SETTING_NUMBER);
    return *(int64_t *)field(s, c);
}

bool setting_flag(const struct setting *s, const struct config *c)
{
    assert(s->kind == SETTING_FLAG);
    return *(bool *)field(s, c);
}

static void wipe(char *text)
{
    if (text != NULL)
        sodium_memzero(text, strlen(text));
    free(text);
}

static void list_free(char **items)
{
    for (size_t i = 0; items != NULL && items[i] != NULL; i++)
        free(items[i]);
    free(items);
}

int setting_set_text(const struct setting *s, struct config *c, const char *text, struct err *err)
{
    size_t len = strlen(text);
    if (s->kind != SETTING_TEXT)
        return err_set(err, ERR_INVALID, "must not be a text");
    if (len > (size_t)s->max)
        return err_set(err, ERR_INVALID, "must have at most %lld bytes", (long long)s->max);
    if (strpbrk(text, "\n\r") != NULL)
        return err_set(err, ERR_INVALID, "must be one line");
    if (s->check != NULL && s->check(text, err) != 0)
        return -1;
    char **slot = setting_text_field(s, c);
    wipe(*slot);
    *slot = x_strdup(text);
    return 0;
}

int setting_set_number(const struct setting *s, struct config *c, int64_t number, struct err *err)
{
    if (s->kind != SETTING_NUMBER)
        return err_set(err, ERR_INVALID, "must not be a number");
    if (number < s->min || number > s->max)
        return err_set(err, ERR_INVALID, "must be %lld to %lld, not %lld", (long long)s->min,
                       (long long)s->max, (long long)number);
    *(int64_t *)field(s, c) = number;
    return 0;
}

int setting_set_flag(const struct setting *s, struct config *c, bool flag, struct err *err)
{
    if (s->kind != SETTING_FLAG)
        return err_set(err, ERR_INVALID, "must not be true or false");
    *(bool *)field(s, c) = flag;
    return 0;
}

int setting_set_list(const struct setting *s, struct config *c, char *const *items, struct err *err)
{
    size_t count = 0;
    if (s->kind != SETTING_LIST)
        return err_set(err, ERR_INVALID, "must not be a list");
    for (; items[count] != NULL; count++) {
        if (count == SETTING_LIST_ITEMS_MAX)
            return err_set(err, ERR_INVALID, "must have at most %d items", SETTING_LIST_ITEMS_MAX);
        if (strlen(items[count]) > (size_t)s->max)
            return err_set(err, ERR_INVALID, "must have items of at most %lld bytes", (long long)s->max);
        if (s->check != NULL && s->check(items[count], err) != 0)
            return -1;
    }
    char **copy = x_calloc(count + 1, sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = x_strdup(items[i]);
    char ***slot = setting_list_field(s, c);
    list_free(*slot);
    *slot = copy;
    return 0;
}

static int parse_number(const struct setting *s, struct config *c, const char *text, struct err *err)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    bool starts_well = (*text >= '0' && *text <= '9') || *text == '-';
    if (errno != 0 || end == text || *end != '\0' || !starts_well)
        return err_set(err, ERR_INVALID, "must be a whole number of %lld to %lld", (long long)s->min,
                       (long long)s->max);
    return setting_set_number(s, c, number, err);
}

static int parse_flag(const struct setting *s, struct config *c, const char *text, struct err *err)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0)
        return setting_set_flag(s, c, true, err);
    if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0)
        return setting_set_flag(s, c, false, err);
    return err_set(err, ERR_INVALID, "must be true or false");
}

static int parse_list(const struct setting *s, struct config *c, const char *text, struct err *err)
{
    char *items[SETTING_LIST_ITEMS_MAX + 2] = {NULL};
    size_t count = 0;
    char *copy = x_strdup(text), *rest = NULL;
    for (char *item = strtok_r(copy, ", ", &rest); item != NULL; item = strtok_r(NULL, ", ", &rest)) {
        if (count <= SETTING_LIST_ITEMS_MAX)
            items[count++] = item;
    }
    int rc = setting_set_list(s, c, items, err);
    free(copy);
    return rc;
}

int setting_parse(const struct setting *s, struct config *c, const char *text, struct err *err)
{
    switch (s->kind) {
    case SETTING_TEXT:
        return setting_set_text(s, c, text, err);
    case SETTING_FLAG:
        return parse_flag(s, c, text, err);
    case SETTING_NUMBER:
        return parse_number(s, c, text, err);
    case SETTING_LIST:
        return parse_list(s, c, text, err);
    }
    return err_set(err, ERR_INTERNAL, "a setting of no kind");
}

void setting_format(const struct setting *s, const struct config *c, struct buf *out)
{
    char **items;
    switch (s->kind) {
    case SETTING_TEXT:
        buf_append_str(out, *(char **)field(s, c));
        return;
    case SETTING_FLAG:
        buf_append_str(out, setting_flag(s, c) ? "true" : "false");
        return;
    case SETTING_NUMBER:
        buf_appendf(out, "%lld", (long long)setting_number(s, c));
        return;
    case SETTING_LIST:
        items = *(char ***)field(s, c);
        for (size_t i = 0; items[i] != NULL; i++)
            buf_appendf(out, "%s%s", i > 0 ? "," : "", items[i]);
        return;
    }
}

void settings_release(struct config *c)
{
    for (size_t i = 0; i < settings_count; i++) {
        if (settings[i].kind == SETTING_TEXT) {
            wipe(*setting_text_field(&settings[i], c));
            *setting_text_field(&settings[i], c) = NULL;
        } else if (settings[i].kind == SETTING_LIST) {
            list_free(*setting_list_field(&settings[i], c));
            *setting_list_field(&settings[i], c) = NULL;
        }
    }
}
