/* Counts HTTP exchanges per worker and writes Prometheus text. */
#include "host/metrics.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host/version.h"

#define SLOTS (METRICS_ROUTES_MAX * 2) /* of the hash table: at most half full */

static const double bounds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                0.1,    0.25,  0.5,    1,     2.5,  5,     10};
#define BOUNDS COUNT_OF(bounds)

struct code {
    const char *method; /* static */
    int status;
    uint64_t count;
};
struct route {
    char *name;
    uint64_t buckets[BOUNDS + 1]; /* not cumulative */
    uint64_t sum_ns, count;
    struct code *codes;
    size_t code_count;
};
struct metrics {
    pthread_mutex_t lock;
    struct route routes[METRICS_ROUTES_MAX];
    size_t route_count;
    uint16_t slots[SLOTS]; /* index + 1 of a route, 0: free */
};

struct metrics *metrics_new(void)
{
    struct metrics *m = x_calloc(1, sizeof(*m));
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

void metrics_free(struct metrics *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->route_count; i++) {
        free(m->routes[i].name);
        free(m->routes[i].codes);
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static uint32_t hash_text(const char *text)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

static struct route *find_route(struct metrics *m, const char *name)
{
    size_t slot = hash_text(name) % SLOTS;
    while (m->slots[slot] != 0) {
        struct route *found = &m->routes[m->slots[slot] - 1];
        if (strcmp(found->name, name) == 0)
            return found;
        slot = (slot + 1) % SLOTS;
    }
    if (m->route_count == METRICS_ROUTES_MAX)
        return &m->routes[METRICS_ROUTES_MAX - 1];
    /* The last place is kept for whatever does not fit. */
    struct route *fresh = &m->routes[m->route_count++];
    fresh->name = x_strdup(m->route_count == METRICS_ROUTES_MAX ? "other" : name);
    m->slots[slot] = (uint16_t)m->route_count;
    return fresh;
}

/* A client may send any word as a method: only the known ones become labels. */
static const char *method_label(const char *method)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; method != NULL && i < COUNT_OF(known); i++) {
        if (strcmp(method, known[i]) == 0)
            return known[i];
    }
    return "other";
}

static struct code *find_code(struct route *r, const char *method, int status)
{
    for (size_t i = 0; i < r->code_count; i++) {
        if (r->codes[i].status == status && strcmp(r->codes[i].method, method) == 0)
            return &r->codes[i];
    }
    if (r->code_count == METRICS_CODES_MAX)
        return &r->codes[METRICS_CODES_MAX - 1];
    r->codes = x_realloc(r->codes, (r->code_count + 1) * sizeof(*r->codes));
    r->codes[r->code_count] = (struct code){.method = method, .status = status};
    return &r->codes[r->code_count++];
}

static size_t bucket_of(uint64_t duration_ns)
{
    double seconds = (double)duration_ns / 1e9;
    size_t i = 0;
    while (i < BOUNDS && seconds > bounds[i])
        i++;
    return i;
}

void metrics_count(struct metrics *m, const char *route, const char *method, int status, uint64_t duration_ns)
{
    pthread_mutex_lock(&m->lock);
    struct route *r = find_route(m, route);
    find_code(r, method_label(method), status)->count++;
    r->buckets[bucket_of(duration_ns)]++;
    r->sum_ns += duration_ns;
    r->count++;
    pthread_mutex_unlock(&m->lock);
}

static void add_route(struct route *to, const struct route *from)
{
    for (size_t i = 0; i < from->code_count; i++)
        find_code(to, from->codes[i].method, from->codes[i].status)->count += from->codes[i].count;
    for (size_t i = 0; i <= BOUNDS; i++)
        to->buckets[i] += from->buckets[i];
    to->sum_ns += from->sum_ns;
    to->count += from->count;
}

static void add_all(struct metrics *to, struct metrics *from)
{
    pthread_mutex_lock(&from->lock);
    for (size_t i = 0; i < from->route_count; i++)
        add_route(find_route(to, from->routes[i].name), &from->routes[i]);
    pthread_mutex_unlock(&from->lock);
}

void metrics_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_appendf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_label(struct buf *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            buf_append_str(out, "\\n");
            continue;
        }
        if (*value == '\\' || *value == '"')
            buf_append_char(out, '\\');
        buf_append_char(out, *value);
    }
}

static void write_codes(struct buf *out, const struct route *r)
{
    for (size_t i = 0; i < r->code_count; i++) {
        buf_append_str(out, "lexicraft_http_requests_total{route=\"");
        metrics_label(out, r->name);
        buf_appendf(out, "\",method=\"%s\",code=\"%d\"} %llu\n", r->codes[i].method, r->codes[i].status,
                    (unsigned long long)r->codes[i].count);
    }
}

static void write_histogram(struct buf *out, const struct route *r)
{
    const char *name = "lexicraft_http_request_duration_seconds";
    struct buf label = BUF_INIT;
    uint64_t below = 0;
    buf_append_str(&label, "route=\"");
    metrics_label(&label, r->name);
    buf_append_str(&label, "\"");
    for (size_t i = 0; i < BOUNDS; i++) {
        below += r->buckets[i];
        buf_appendf(out, "%s_bucket{%s,le=\"%g\"} %llu\n", name, label.data, bounds[i],
                    (unsigned long long)below);
    }
    buf_appendf(out, "%s_bucket{%s,le=\"+Inf\"} %llu\n", name, label.data, (unsigned long long)r->count);
    buf_appendf(out, "%s_sum{%s} %.9f\n", name, label.data, (double)r->sum_ns / 1e9);
    buf_appendf(out, "%s_count{%s} %llu\n", name, label.data, (unsigned long long)r->count);
    buf_release(&label);
}

void metrics_write_http(struct buf *out, struct metrics *const *sets, size_t count)
{
    struct metrics *sum = metrics_new();
    for (size_t i = 0; i < count; i++)
        add_all(sum, sets[i]);
    metrics_head(out, "lexicraft_http_requests_total", "counter",
                 "HTTP exchanges by route template, method and status; code 0: cut before an answer.");
    for (size_t i = 0; i < sum->route_count; i++)
        write_codes(out, &sum->routes[i]);
    metrics_head(out, "lexicraft_http_request_duration_seconds", "histogram",
                 "From the first byte of a request to the end of its answer.");
    for (size_t i = 0; i < sum->route_count; i++)
        write_histogram(out, &sum->routes[i]);
    metrics_free(sum);
}

static long resident_bytes(void)
{
    char text[128] = "";
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL)
        return 0;
    /* "SIZE RESIDENT …" in pages */
    const char *space = fgets(text, sizeof(text), f) != NULL ? strchr(text, ' ') : NULL;
    fclose(f);
    return space == NULL ? 0 : strtol(space, NULL, 10) * sysconf(_SC_PAGESIZE);
}

static int open_files(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count - 1; /* not the one that reads the folder */
}

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

void metrics_write_process(struct buf *out, int64_t started_us)
{
    metrics_head(out, "lexicraft_build_info", "gauge", "Always 1; the label tells the version.");
    buf_appendf(out, "lexicraft_build_info{version=\"%s\"} 1\n", LEXICRAFT_VERSION);
    metrics_head(out, "lexicraft_process_resident_memory_bytes", "gauge", "Resident memory.");
    buf_appendf(out, "lexicraft_process_resident_memory_bytes %ld\n", resident_bytes());
    metrics_head(out, "lexicraft_process_cpu_seconds_total", "counter",
                 "CPU time of all threads, user and system.");
    buf_appendf(out, "lexicraft_process_cpu_seconds_total %.3f\n", cpu_seconds());
    metrics_head(out, "lexicraft_process_open_fds", "gauge", "Open file descriptors.");
    buf_appendf(out, "lexicraft_process_open_fds %d\n", open_files());
    metrics_head(out, "lexicraft_process_start_time_seconds", "gauge",
                 "Start of the process, seconds since 1970.");
    buf_appendf(out, "lexicraft_process_start_time_seconds %.3f\n", (double)started_us / 1e6);
}
