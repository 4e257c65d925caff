/* Watches folders with uv_fs_event, following folders that come and go. */
#include "host/watch.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"

#define DEPTH_MAX 16       /* of folders below lua/ */
#define PATIENCE_FACTOR 10 /* debounce times after which constant change is no reason to wait any more */

struct folder {
    uv_fs_event_t event;
    struct list link;
    struct watch *watch;
    char *path;
    bool is_root;
};

struct watch {
    uv_loop_t *loop;
    char *root;
    void (*changed)(void *data);
    void *data;
    uv_timer_t quiet;
    bool enabled, closed;
    uint32_t debounce_ms;
    uint64_t first_ns; /* of the changes not yet reported, 0: none */
    struct list folders;
    unsigned folder_count;
};

static void folder_closed(uv_handle_t *handle)
{
    struct folder *f = handle->data;
    free(f->path);
    free(f);
}

static void folder_drop(struct folder *f)
{
    list_remove(&f->link);
    f->watch->folder_count--;
    uv_close((uv_handle_t *)&f->event, folder_closed);
}

static void settled(uv_timer_t *timer);

static void note_change(struct watch *w)
{
    uint64_t now = mono_ns(), patience_ns = (uint64_t)w->debounce_ms * PATIENCE_FACTOR * 1000000;
    if (w->first_ns == 0)
        w->first_ns = now;
    uint64_t wait_ms = now - w->first_ns >= patience_ns ? 0 : w->debounce_ms;
    uv_timer_start(&w->quiet, settled, wait_ms, 0);
}

/* Of the root only what settings and scripts are read from; below lua/ everything, since a name without an
 * ending may be a new folder. Editors' hidden temporary files are no change. */
static bool matters(const struct folder *f, const char *name)
{
    if (name == NULL)
        return true;
    if (f->is_root)
        return strcmp(name, "config.lua") == 0 || strcmp(name, ".env") == 0 || strcmp(name, "lua") == 0;
    return name[0] != '.' && name[strlen(name) - 1] != '~';
}

static void something_happened(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct folder *f = event->data;
    (void)events;
    if (status == 0 && matters(f, name))
        note_change(f->watch);
}

static void folder_add(struct watch *w, const char *path, bool is_root)
{
    if (w->folder_count == WATCH_FOLDERS_MAX) {
        log_event(LOG_WARN, "too many folders to watch; reload by hand", LOG_I("max", WATCH_FOLDERS_MAX));
        return;
    }
    struct folder *f = x_calloc(1, sizeof(*f));
    f->watch = w;
    f->path = x_strdup(path);
    f->is_root = is_root;
    uv_fs_event_init(w->loop, &f->event);
    f->event.data = f;
    list_append(&w->folders, &f->link);
    w->folder_count++;
    int rc = uv_fs_event_start(&f->event, something_happened, path, 0);
    if (rc == 0)
        return;
    if (rc != UV_ENOENT)
        log_event(LOG_WARN, "a folder cannot be watched; reload by hand", LOG_S("folder", path),
                  LOG_S("reason", uv_strerror(rc)));
    folder_drop(f);
}

static void scan(struct watch *w, const char *path, int depth)
{
    DIR *dir = depth <= DEPTH_MAX ? opendir(path) : NULL;
    if (dir == NULL)
        return;
    folder_add(w, path, false);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat st;
        struct buf below = BUF_INIT;
        if (entry->d_name[0] == '.')
            continue;
        buf_appendf(&below, "%s/%s", path, entry->d_name);
        if (lstat(below.data, &st) == 0 && S_ISDIR(st.st_mode))
            scan(w, below.data, depth + 1);
        buf_release(&below);
    }
    closedir(dir);
}

static void drop_all(struct watch *w)
{
    list_for_each (node, safe, &w->folders)
        folder_drop(CONTAINER_OF(node, struct folder, link));
}

/* Watch the folders that exist now. A folder made again under an old name has a new inode and must be watched
 * anew, which is why none is kept; the new watches stand before the files are read, so no change falls
 * between. */
static void rescan(struct watch *w)
{
    struct buf lua = BUF_INIT;
    drop_all(w);
    folder_add(w, w->root, true);
    buf_appendf(&lua, "%s/lua", w->root);
    scan(w, lua.data, 0);
    buf_release(&lua);
}

static void settled(uv_timer_t *timer)
{
    struct watch *w = timer->data;
    w->first_ns = 0;
    rescan(w);
    w->changed(w->data);
}

struct watch *watch_new(uv_loop_t *loop, const char *root, void (*changed)(void *data), void *data)
{
    struct watch *w = x_calloc(1, sizeof(*w));
    w->loop = loop;
    w->root = x_strdup(root);
    w->changed = changed;
    w->data = data;
    list_init(&w->folders);
    uv_timer_init(loop, &w->quiet);
    w->quiet.data = w;
    return w;
}

void watch_set(struct watch *w, bool enabled, uint32_t debounce_ms)
{
    w->debounce_ms = debounce_ms;
    if (w->closed || enabled == w->enabled)
        return;
    w->enabled = enabled;
    if (enabled) {
        rescan(w);
        return;
    }
    drop_all(w);
    uv_timer_stop(&w->quiet);
    w->first_ns = 0;
}

void watch_close(struct watch *w)
{
    if (w->closed)
        return;
    w->closed = true;
    drop_all(w);
    uv_close((uv_handle_t *)&w->quiet, NULL);
}

void watch_free(struct watch *w)
{
    free(w->root);
    free(w);
}
