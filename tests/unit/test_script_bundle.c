/* script/bundle.h on real folders: what is read, what is refused, what the hashes cover. */
#include "script_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/lexicraft-bundle-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void full_path(const char *path, char full[256])
{
    snprintf(full, 256, "%s/%s", root, path);
}

/* With the folders above it. */
static void write_bytes(const char *path, const char *bytes, size_t len)
{
    char full[256];
    full_path(path, full);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

static void write_many(const char *path, size_t len)
{
    char *bytes = x_malloc(len);
    memset(bytes, '-', len);
    write_bytes(path, bytes, len);
    free(bytes);
}

static struct bundle *read_root(void)
{
    struct err err = {0};
    struct bundle *b = bundle_read(root, &err);
    if (b == NULL)
        fail_msg("%s", err.text);
    return b;
}

static void is_refused(const char *begin)
{
    struct err err = {0};
    struct bundle *b = bundle_read(root, &err);
    assert_null(b);
    if (strncmp(err.text, begin, strlen(begin)) != 0)
        fail_msg("expected %s, got %s", begin, err.text);
}

static void test_reads_lua_files_in_order(void **state)
{
    (void)state;
    write_text("config.lua", "return {}");
    write_text("lua/app.lua", "a");
    write_text("lua/store/users.lua", "u");
    write_text("lua/rules/points.lua", "p\0q");
    write_text("lua/types/db.lua", "---@meta");
    write_text("lua/.hidden.lua", "h");
    write_text("lua/.git/x.lua", "h");
    write_text("lua/notes.txt", "t");
    write_text("lua/backup.lua~", "t");
    write_text("spec/app_spec.lua", "s");
    write_text("lua/empty.lua", "");
    struct bundle *b = read_root();
    static const char *const paths[] = {"config.lua", "lua/app.lua", "lua/empty.lua", "lua/rules/points.lua",
                                        "lua/store/users.lua"};
    assert_int_equal(b->count, COUNT_OF(paths));
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        assert_string_equal(b->files[i].path, paths[i]);
    const struct bundle_file *users = bundle_find(b, "lua/store/users.lua");
    assert_non_null(users);
    assert_int_equal(users->len, 1);
    assert_string_equal(users->bytes, "u");
    assert_string_equal(users->hash, "0bfe935e70c321c7ca3afc75ce0d0ca2f98b5422e008bb31c00c6d7f1f1c0ad6");
    assert_string_equal(bundle_find(b, "lua/empty.lua")->bytes, "");
    assert_null(bundle_find(b, "lua/types/db.lua"));
    assert_null(bundle_find(b, "lua/store/user.lua"));
    assert_null(bundle_find(b, ""));
    assert_int_equal(strlen(b->hash), 64);
    bundle_unref(b);
}

/* hashes[0]: of everything, hashes[1]: of the rules. */
static void hashes_now(char hashes[2][65])
{
    struct bundle *b = read_root();
    memcpy(hashes[0], b->hash, 65);
    memcpy(hashes[1], b->rule_version, 65);
    bundle_unref(b);
}

static void test_hashes_follow_the_bytes(void **state)
{
    (void)state;
    char first[2][65], now[2][65];
    write_text("config.lua", "return {}");
    write_text("lua/app.lua", "a");
    write_text("lua/rules/points.lua", "p");
    hashes_now(first);
    hashes_now(now);
    assert_memory_equal(first, now, sizeof first);
    write_text("lua/types/db.lua", "---@meta");
    write_text("lua/notes.txt", "n");
    hashes_now(now);
    assert_memory_equal(first, now, sizeof first);
    write_text("lua/app.lua", "b");
    hashes_now(now);
    assert_string_not_equal(first[0], now[0]);
    assert_string_equal(first[1], now[1]);
    write_text("lua/app.lua", "a");
    write_text("lua/rules/points.lua", "q");
    hashes_now(now);
    assert_string_not_equal(first[0], now[0]);
    assert_string_not_equal(first[1], now[1]);
    write_text("lua/rules/points.lua", "p");
    hashes_now(now);
    assert_memory_equal(first, now, sizeof first);
}

/* The same bytes cut differently into files are another bundle. */
static void test_hashes_know_where_files_end(void **state)
{
    (void)state;
    char first[2][65], now[2][65];
    write_text("config.lua", "return {}");
    write_text("lua/rules/a.lua", "xy");
    write_text("lua/rules/b.lua", "z");
    hashes_now(first);
    write_text("lua/rules/a.lua", "x");
    write_text("lua/rules/b.lua", "yz");
    hashes_now(now);
    assert_string_not_equal(first[0], now[0]);
    assert_string_not_equal(first[1], now[1]);
}

static void test_without_config_or_root(void **state)
{
    (void)state;
    struct err err = {0};
    is_refused("config.lua: No such file");
    assert_null(bundle_read("/nowhere/at/all", &err));
    assert_string_equal(err.text, "/nowhere/at/all: No such file or directory");
    write_text("config.lua", "return {}");
    struct bundle *b = read_root();
    assert_int_equal(b->count, 1);
    bundle_unref(b);
}

static void test_limits_on_sizes(void **state)
{
    (void)state;
    write_text("config.lua", "return {}");
    write_many("lua/app.lua", BUNDLE_FILE_BYTES_MAX);
    write_many("lua/rules/points.lua", BUNDLE_RULE_BYTES_MAX);
    bundle_unref(read_root());
    write_many("lua/rules/points.lua", BUNDLE_RULE_BYTES_MAX + 1);
    is_refused("lua/rules/points.lua: larger than 65536 bytes");
    write_many("lua/rules/points.lua", 1);
    write_many("lua/app.lua", BUNDLE_FILE_BYTES_MAX + 1);
    is_refused("lua/app.lua: larger than 4194304 bytes");
}

static void test_limit_on_all_bytes(void **state)
{
    (void)state;
    write_text("config.lua", "return {}");
    for (unsigned i = 0; i <= BUNDLE_BYTES_MAX / BUNDLE_FILE_BYTES_MAX; i++) {
        char path[32];
        snprintf(path, sizeof path, "lua/m%u.lua", i);
        write_many(path, BUNDLE_FILE_BYTES_MAX);
    }
    is_refused("lua/m");
}

static void test_limit_on_files(void **state)
{
    (void)state;
    write_text("config.lua", "return {}");
    for (unsigned i = 1; i < BUNDLE_FILES_MAX; i++) {
        char path[32];
        snprintf(path, sizeof path, "lua/m%u.lua", i);
        write_text(path, "");
    }
    struct bundle *b = read_root();
    assert_int_equal(b->count, BUNDLE_FILES_MAX);
    bundle_unref(b);
    write_text("lua/one_more.lua", "");
    is_refused("lua/");
}

static void test_bytes_that_are_not_utf8(void **state)
{
    (void)state;
    write_text("config.lua", "return {}");
    write_text("lua/app.lua", "-- \xC3\x28");
    is_refused("lua/app.lua: not UTF-8");
    write_text("lua/app.lua", "\xEF\xBB\xBFreturn {}");
    is_refused("lua/app.lua:1: begins with a byte order mark");
}

static void test_nul_bytes(void **state)
{
    (void)state;
    static const char rule[] = "return {}\n-- a\0b\n";
    struct bundle_text text = {.path = "lua/rules/a.lua", .bytes = rule, .len = sizeof rule - 1};
    struct err err;
    assert_null(bundle_of_rules(&text, 1, &err));
    assert_string_equal(err.text, "lua/rules/a.lua:2: holds a NUL byte");
}

static void test_links(void **state)
{
    (void)state;
    char full[256], outside[80];
    snprintf(outside, sizeof outside, "%s.outside.lua", root);
    FILE *file = fopen(outside, "w");
    assert_non_null(file);
    fclose(file);
    write_text("config.lua", "return {}");
    write_text("lua/app.lua", "a");
    full_path("lua/out.lua", full);
    assert_int_equal(symlink(outside, full), 0);
    full_path("lua/folder_out", full);
    assert_int_equal(symlink("/tmp", full), 0);
    full_path("lua/alias.lua", full);
    assert_int_equal(symlink("app.lua", full), 0);
    struct bundle *b = read_root();
    assert_null(bundle_find(b, "lua/out.lua"));
    assert_string_equal(bundle_find(b, "lua/alias.lua")->bytes, "a");
    assert_int_equal(b->count, 3);
    bundle_unref(b);
    full_path("lua/loop", full);
    assert_int_equal(symlink(".", full), 0);
    is_refused("lua/loop");
    assert_int_equal(unlink(full), 0);
    full_path("lua/dangling.lua", full);
    assert_int_equal(symlink("gone.lua", full), 0);
    is_refused("lua/dangling.lua: No such file");
    assert_int_equal(unlink(outside), 0);
}

/* A pipe must not make reading wait for ever. */
static void test_what_is_no_file(void **state)
{
    (void)state;
    char full[256];
    write_text("config.lua", "return {}");
    write_text("lua/app.lua", "a");
    full_path("lua/pipe.lua", full);
    assert_int_equal(mkfifo(full, 0600), 0);
    is_refused("lua/pipe.lua: not a regular file");
}

static void test_references(void **state)
{
    (void)state;
    write_text("config.lua", "return {}");
    struct bundle *b = read_root();
    assert_ptr_equal(bundle_ref(b), b);
    bundle_unref(b);
    assert_string_equal(b->files[0].bytes, "return {}");
    bundle_unref(b);
    bundle_unref(NULL);
}

#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ROOT(test_reads_lua_files_in_order),
        WITH_ROOT(test_hashes_follow_the_bytes),
        WITH_ROOT(test_hashes_know_where_files_end),
        WITH_ROOT(test_without_config_or_root),
        WITH_ROOT(test_limits_on_sizes),
        WITH_ROOT(test_limit_on_all_bytes),
        WITH_ROOT(test_limit_on_files),
        WITH_ROOT(test_bytes_that_are_not_utf8),
        cmocka_unit_test(test_nul_bytes),
        WITH_ROOT(test_links),
        WITH_ROOT(test_what_is_no_file),
        WITH_ROOT(test_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
