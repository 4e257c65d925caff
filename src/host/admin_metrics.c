/* Gathers the numbers of workers, lanes and reloads as Prometheus text. */
#include "host/admin_metrics.h"

#include <stdlib.h>

struct totals {
    struct worker_stats *each;
    struct pg_stats pg;
    struct http_stats http;
};

static void add_http(struct http_stats *to, const struct http_stats *from)
{
    to->connections += from->connections;
    to->requests_active += from->requests_active;
    to->refused_gate += from->refused_gate;
    to->refused_limit += from->refused_limit;
    to->cut_slow += from->cut_slow;
}

static void add_pg(struct pg_stats *to, const struct pg_stats *from)
{
    to->pipelined_open += from->pipelined_open;
    to->pipelined_in_flight += from->pipelined_in_flight;
    to->pipelined_waiting += from->pipelined_waiting;
    to->exclusive_open += from->exclusive_open;
    to->exclusive_idle += from->exclusive_idle;
    to->exclusive_busy += from->exclusive_busy;
    to->exclusive_waiting += from->exclusive_waiting;
    to->connects += from->connects;
    to->connect_failures += from->connect_failures;
    to->statements += from->statements;
    to->timeouts += from->timeouts;
    to->retries += from->retries;
    to->shared += from->shared;
    to->share_failures += from->share_failures;
    to->wait_count += from->wait_count;
    to->wait_ns_total += from->wait_ns_total;
}

static void number(struct buf *out, const char *name, const char *type, uint64_t value, const char *help)
{
    metrics_head(out, name, type, help);
    buf_appendf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void write_http(struct buf *out, const struct http_stats *http)
{
    number(out, "lexicraft_http_connections", "gauge", http->connections, "Open API connections.");
    number(out, "lexicraft_http_requests_active", "gauge", http->requests_active,
           "Requests without an answer yet.");
    number(out, "lexicraft_http_refused_gate_total", "counter", http->refused_gate,
           "Requests that were not clean HTTP.");
    number(out, "lexicraft_http_refused_limit_total", "counter", http->refused_limit,
           "Connections refused because there were too many.");
    number(out, "lexicraft_http_cut_slow_total", "counter", http->cut_slow,
           "Connections cut because headers, body or reading took too long.");
}

static void write_pg(struct buf *out, const struct pg_stats *pg)
{
    metrics_head(out, "lexicraft_db_connections", "gauge", "Database connections by lane and state.");
    buf_appendf(out, "lexicraft_db_connections{lane=\"pipelined\",state=\"open\"} %u\n", pg->pipelined_open);
    buf_appendf(out, "lexicraft_db_connections{lane=\"exclusive\",state=\"idle\"} %u\n", pg->exclusive_idle);
    buf_appendf(out, "lexicraft_db_connections{lane=\"exclusive\",state=\"busy\"} %u\n", pg->exclusive_busy);
    metrics_head(out, "lexicraft_db_waiting", "gauge", "Requests waiting for a lane.");
    buf_appendf(out, "lexicraft_db_waiting{lane=\"pipelined\"} %u\n", pg->pipelined_waiting);
    buf_appendf(out, "lexicraft_db_waiting{lane=\"exclusive\"} %u\n", pg->exclusive_waiting);
    number(out, "lexicraft_db_in_flight", "gauge", pg->pipelined_in_flight,
           "Statements under way in the pipelined lane.");
    metrics_head(out, "lexicraft_db_wait_seconds_total", "counter",
                 "Time that transactions waited for a connection.");
    buf_appendf(out, "lexicraft_db_wait_seconds_total %.9f\n", (double)pg->wait_ns_total / 1e9);
    number(out, "lexicraft_db_wait_count_total", "counter", pg->wait_count,
           "Connections given to transactions.");
    number(out, "lexicraft_db_shared_total", "counter", pg->shared,
           "Transactions that shared one of PostgreSQL's with others.");
    number(out, "lexicraft_db_share_failures_total", "counter", pg->share_failures,
           "Times that transactions were rolled back with another and run again, each by itself.");
    number(out, "lexicraft_db_statements_total", "counter", pg->statements, "Statements sent.");
    number(out, "lexicraft_db_timeouts_total", "counter", pg->timeouts,
           "Statements given up at their deadline.");
    number(out, "lexicraft_db_retries_total", "counter", pg->retries, "Statements sent again.");
    number(out, "lexicraft_db_connects_total", "counter", pg->connects, "Connections made.");
    number(out, "lexicraft_db_connect_failures_total", "counter", pg->connect_failures,
           "Connections that failed.");
}

static void write_memory(struct buf *out, const struct worker_stats *each, unsigned count)
{
    metrics_head(out, "lexicraft_lua_memory_bytes", "gauge", "Memory of the live Lua states.");
    for (unsigned i = 0; i < count; i++) {
        buf_appendf(out, "lexicraft_lua_memory_bytes{worker=\"%u\",vm=\"app\"} %zu\n", i, each[i].app_bytes);
        buf_appendf(out, "lexicraft_lua_memory_bytes{worker=\"%u\",vm=\"rules\"} %zu\n", i,
                    each[i].rules_bytes);
    }
}

static void write_reload(struct buf *out, const struct reload *r)
{
    const struct generation *live = reload_live(r);
    number(out, "lexicraft_reload_last_success", "gauge", reload_last_success(r),
           "1 if the last reload succeeded.");
    metrics_head(out, "lexicraft_reload_success_timestamp_seconds", "gauge",
                 "When a generation last went live, seconds since 1970; 0: never.");
    buf_appendf(out, "lexicraft_reload_success_timestamp_seconds %.3f\n", (double)reload_success_us(r) / 1e6);
    metrics_head(out, "lexicraft_reload_duration_seconds", "gauge", "How long the last reload took.");
    buf_appendf(out, "lexicraft_reload_duration_seconds %.6f\n", reload_seconds(r));
    number(out, "lexicraft_generation", "gauge", live != NULL ? live->number : 0,
           "Number of the live generation.");
    metrics_head(out, "lexicraft_rule_version_info", "gauge",
                 "Always 1; the label tells the live rule version.");
    if (live != NULL)
        buf_appendf(out, "lexicraft_rule_version_info{version=\"%s\"} 1\n", live->bundle->rule_version);
}

void admin_write_metrics(const struct serve *s, struct buf *out)
{
    struct totals sum = {.each = x_calloc(s->worker_count, sizeof(struct worker_stats))};
    struct metrics **sets = x_calloc(s->worker_count, sizeof(*sets));
    for (unsigned i = 0; i < s->workers_made; i++) {
        sets[i] = worker_metrics(s->workers[i]);
        worker_read_stats(s->workers[i], &sum.each[i]);
        add_http(&sum.http, &sum.each[i].http);
        add_pg(&sum.pg, &sum.each[i].pg);
    }
    metrics_write_http(out, sets, s->workers_made);
    write_http(out, &sum.http);
    write_pg(out, &sum.pg);
    write_reload(out, s->reload);
    write_memory(out, sum.each, s->workers_made);
    metrics_write_process(out, s->started_us);
    free(sets);
    free(sum.each);
}
