/* lexicraft token: signs a bearer token. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "host/command.h"
#include "host/tool.h"

#define TTL_S_MAX 31536000

/* "90s", "15m", "12h", "30d" → seconds; -1 if it is none of these or out of bounds. */
static int64_t parse_ttl(const char *text)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char *end;
    errno = 0;
    long long number = text[0] >= '0' && text[0] <= '9' ? strtoll(text, &end, 10) : -1;
    if (number < 1 || number > TTL_S_MAX || errno != 0 || strlen(end) != 1)
        return -1;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (*end == units[i].unit && number * units[i].seconds <= TTL_S_MAX)
            return number * units[i].seconds;
    }
    return -1;
}

static bool is_role(const char *role)
{
    return role[0] != '\0' && strlen(role) <= 40 &&
           strspn(role, "abcdefghijklmnopqrstuvwxyz_") == strlen(role);
}

int command_token(const struct command_line *line)
{
    const char *role = line->options[0], *sub = line->options[1];
    const char *ttl = line->options[2] != NULL ? line->options[2] : "1h";
    int64_t ttl_s = parse_ttl(ttl);
    if (line->argc > 0 || role == NULL || sub == NULL || sub[0] == '\0')
        return command_usage(line, "token needs --role and --sub");
    if (!is_role(role))
        return command_usage(line, "--role must be a word of a-z and _");
    if (ttl_s < 0)
        return command_usage(line, "--ttl must be like 90s, 15m, 12h or 30d, and at most 365d");
    struct bundle *bundle = NULL;
    struct config *config = command_config(line, &bundle);
    struct err err;
    struct buf token = BUF_INIT;
    int code = EXIT_CODE_OK;
    if (config == NULL)
        return EXIT_CODE_CONFIG;
    if (config->auth.key[0] == '\0') {
        err_set(&err, ERR_INVALID, "no signing key (%s); script/server makes one, or set LEXICRAFT_AUTH_KEY",
                config->auth.key_file);
        code = command_fail(EXIT_CODE_CONFIG, &err);
    } else if (tool_issue_token(bundle, config, role, sub, ttl_s, &token, &err) != 0) {
        code = command_fail(EXIT_CODE_FAILED, &err);
    } else {
        printf("%s\n", token.data);
    }
    if (token.data != NULL)
        sodium_memzero(token.data, token.len);
    buf_release(&token);
    config_unref(config);
    bundle_unref(bundle);
    return code;
}
