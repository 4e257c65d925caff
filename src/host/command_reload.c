/* lexicraft reload: asks the running server, waits and tells what came of it. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "host/client.h"
#include "host/command.h"

#define SLACK_MS 5000 /* over the limits of two reloads and a drain */

static void print_list(const char *title, const struct json *list)
{
    if (list == NULL || json_first(list) == NULL)
        return;
    printf("%s", title);
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item))
        printf(" %s", json_string(item));
    printf("\n");
}

static int print_success(const struct json *answer)
{
    const struct json *generation = json_member(answer, "generation"),
                      *version = json_member(answer, "rule_version");
    const struct json *workers = json_member(answer, "workers"), *changed = json_member(answer, "changed");
    if (generation == NULL || version == NULL || workers == NULL || changed == NULL)
        return EXIT_CODE_FAILED;
    printf("%s: generation %lld, rule version %s\n",
           json_type(changed) == JSON_TRUE ? "reloaded" : "unchanged", (long long)json_integer(generation),
           json_string(version));
    print_list("files:", json_member(answer, "files"));
    print_list("settings:", json_member(answer, "settings"));
    print_list("need a restart:", json_member(answer, "restart_only"));
    for (const struct json *w = json_first(workers); w != NULL; w = json_next(w))
        printf("worker %lld: generation %lld\n", (long long)json_integer(json_member(w, "worker")),
               (long long)json_integer(json_member(w, "generation")));
    return EXIT_CODE_OK;
}

static int print_faults(const struct json *answer)
{
    const struct json *faults = json_member(answer, "faults");
    fprintf(stderr, "lexicraft: not reloaded, the version before stays live\n");
    for (const struct json *f = faults != NULL ? json_first(faults) : NULL; f != NULL; f = json_next(f))
        fprintf(stderr, "%s\n", json_string(f));
    return EXIT_CODE_FAILED;
}

static int print_answer(int status, const struct buf *body)
{
    struct json_limits limits = {.bytes_max = 1u << 20, .depth_max = 8};
    struct err err;
    struct json *answer = json_parse(body->data != NULL ? body->data : "", body->len, &limits, &err);
    int code = status == 503 ? EXIT_CODE_UNAVAILABLE : EXIT_CODE_FAILED;
    if (answer != NULL && status == 200)
        code = print_success(answer);
    else if (answer != NULL && status == 422)
        code = print_faults(answer);
    else
        fprintf(stderr, "lexicraft: the server answered %d\n", status);
    json_free(answer);
    return code;
}

int command_reload(const struct command_line *line)
{
    if (line->argc > 0)
        return command_usage(line, "reload takes no arguments");
    struct config *config = command_config(line, NULL);
    if (config == NULL)
        return EXIT_CODE_CONFIG;
    struct err err;
    struct buf body = BUF_INIT;
    int status = 0;
    uint32_t deadline_ms = (uint32_t)(2 * config->reload.deadline_ms + config->http.drain_ms) + SLACK_MS;
    int code;
    if (client_post(config->admin.listen, "/reload", deadline_ms, &status, &body, &err) != 0)
        code = command_fail(err.code == ERR_UNAVAILABLE ? EXIT_CODE_UNAVAILABLE : EXIT_CODE_FAILED, &err);
    else
        code = print_answer(status, &body);
    buf_release(&body);
    config_unref(config);
    return code;
}
