/* Makes a Lua state with a memory cap and its modules, and enters it without letting errors out. */
#include "script/vm.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "script/lint.h"
#include "script/task.h"

#define MODULE_PATH_BYTES_MAX 512
#define RULES_PREFIX "lua/rules/"
#define FREE_BLOCKS_BYTES (1u << 20)

#ifdef __SANITIZE_ADDRESS__
#define IN_ARENA false /* AddressSanitizer can only watch over blocks that are malloc's own */
#else
#define IN_ARENA true
#endif

/* Is there no room for a block of so many bytes, used being all that Lua then has? Free blocks of sizes that
 * nobody wants any more may take a quarter on top of the limit, and a little. */
static bool is_too_much(const struct vm *vm, size_t used, size_t size)
{
    if (vm->memory_max == 0 || used > vm->memory_max)
        return vm->memory_max > 0;
    size_t held_max = vm->memory_max + vm->memory_max / 4 + FREE_BLOCKS_BYTES;
    if (!IN_ARENA || vm->arena.held + ARENA_COST_MAX(size) <= held_max)
        return false;
    size_t cost = arena_cost(&vm->arena, size);
    return cost > 0 && vm->arena.held + cost > held_max;
}

static void *resize(struct vm *vm, void *block, size_t old_size, size_t size)
{
    if (IN_ARENA)
        return arena_resize(&vm->arena, block, old_size, size);
    if (size > 0)
        return realloc(block, size);
    free(block);
    return NULL;
}

/* ptr is NULL for a new block, and osize then holds a type tag instead of a size. */
static void *allocate(void *data, void *ptr, size_t osize, size_t nsize)
{
    struct vm *vm = data;
    size_t old = ptr ? osize : 0, used = vm->memory_used - old + nsize;
    if (nsize == 0) {
        __atomic_store_n(&vm->memory_used, used, __ATOMIC_RELAXED);
        return resize(vm, ptr, old, 0);
    }
    if (nsize > old && is_too_much(vm, used, nsize))
        return NULL;
    void *block = resize(vm, ptr, old, nsize);
    if (block != NULL)
        __atomic_store_n(&vm->memory_used, used, __ATOMIC_RELAXED);
    return block;
}

static int panic(lua_State *L)
{
    (void)L;
    log_event(LOG_ERROR, "a Lua error left protected code");
    abort();
}

struct vm *vm_of(lua_State *L)
{
    return *(struct vm **)lua_getextraspace(L);
}

size_t vm_memory(const struct vm *vm)
{
    return __atomic_load_n(&vm->memory_used, __ATOMIC_RELAXED);
}

size_t vm_held(const struct vm *vm)
{
    return IN_ARENA ? vm->arena.held : vm->memory_used;
}

/* "store.users" → "lua/store/users.lua"; false if it does not fit. */
static bool module_path(const char *name, char path[MODULE_PATH_BYTES_MAX])
{
    int len = snprintf(path, MODULE_PATH_BYTES_MAX, "lua/%s.lua", name);
    if (len < 0 || len >= MODULE_PATH_BYTES_MAX)
        return false;
    char *end = path + len - strlen(".lua");
    for (char *c = path; c < end; c++)
        if (*c == '.')
            *c = '/';
    return true;
}

/* vm_load on the main state or, for a require inside a coroutine, on that. */
static int load_chunk(lua_State *L, const struct bundle_file *file, struct err *err)
{
    if (!lua_checkstack(L, 4))
        return err_set(err, ERR_LIMIT, "%s: the Lua stack is full", file->path);
    const char *text = file->bytes;
    size_t len = file->len;
    if (len > 0 && text[0] == '#') {
        const char *line_end = memchr(text, '\n', len);
        size_t skipped = line_end ? (size_t)(line_end - text) : len;
        text += skipped; /* the line break stays, so that lines are counted right */
        len -= skipped;
    }
    char name[MODULE_PATH_BYTES_MAX];
    snprintf(name, sizeof name, "@%s", file->path);
    if (luaL_loadbufferx(L, text, len, name, "t") != LUA_OK) {
        vm_pop_error(L, err);
        bool is_placed = !err || strncmp(err->text, file->path, strlen(file->path)) == 0;
        return is_placed ? -1 : err_prefix(err, "%s:1", file->path);
    }
    if (strncmp(file->path, "lua/", 4) == 0 && lint_source(file, err) < 0) {
        lua_pop(L, 1);
        return -1;
    }
    return 0;
}

/* The entry of package.searchers that finds modules in the bundle. Raises "lua/x.lua:12: reason" for a broken
 * one. */
static int search_bundle(lua_State *L)
{
    struct vm *vm = vm_of(L);
    const char *name = luaL_checkstring(L, 1);
    char path[MODULE_PATH_BYTES_MAX];
    const struct bundle_file *file = module_path(name, path) ? bundle_find(vm->bundle, path) : NULL;
    if (!file) {
        lua_pushfstring(L, "no module '%s' in the bundle", name);
        return 1;
    }
    if (vm->kind == VM_APP && strncmp(path, RULES_PREFIX, strlen(RULES_PREFIX)) == 0)
        return luaL_error(L, "%s: rule files are called by rules.call, not required", path);
    struct err err;
    if (load_chunk(L, file, &err) < 0) {
        lua_pushstring(L, err.text);
        return lua_error(L);
    }
    lua_pushstring(L, path);
    return 2;
}

/* package is on top: put the bundle after package.preload, before the standard searchers or instead of them.
 */
static void install_searcher(lua_State *L, enum vm_kind kind)
{
    lua_getfield(L, -1, "searchers");
    int searchers = lua_gettop(L);
    int count = (int)lua_rawlen(L, searchers);
    for (int i = count; i >= 2; i--) {
        if (kind == VM_TOOL)
            lua_rawgeti(L, searchers, i);
        else
            lua_pushnil(L);
        lua_rawseti(L, searchers, i + 1);
    }
    lua_pushcfunction(L, search_bundle);
    lua_rawseti(L, searchers, 2);
    lua_pop(L, 1);
}

static void remove_fields(lua_State *L, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lua_pushnil(L);
        lua_setfield(L, -2, names[i]);
    }
}

/* Replace the library on top of the stack by a table with only these of its fields. */
static void keep_fields(lua_State *L, const char *library, const char *const *names, size_t count)
{
    lua_createtable(L, 0, (int)count);
    for (size_t i = 0; i < count; i++) {
        lua_getfield(L, -2, names[i]);
        lua_setfield(L, -2, names[i]);
    }
    lua_remove(L, -2);
    lua_pushvalue(L, -1);
    lua_setglobal(L, library);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, library);
    lua_pop(L, 1);
}

static void open_app_libraries(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base},          {LUA_LOADLIBNAME, luaopen_package},
        {LUA_COLIBNAME, luaopen_coroutine}, {LUA_TABLIBNAME, luaopen_table},
        {LUA_STRLIBNAME, luaopen_string},   {LUA_MATHLIBNAME, luaopen_math},
        {LUA_UTF8LIBNAME, luaopen_utf8},
    };
    /* A task's coroutine serves other requests later: nobody gets hold of it. */
    static const char *const coroutine_removed[] = {"running"};
    /* rawset would write to what all requests share. */
    static const char *const base_removed[] = {"load", "loadfile", "dofile", "rawset"};
    static const char *const package_removed[] = {"loadlib", "searchpath"};
    static const char *const os_kept[] = {"time", "date", "clock", "difftime"};
    static const char *const debug_kept[] = {"traceback"};

    for (size_t i = 0; i < COUNT_OF(libraries); i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    lua_pushglobaltable(L);
    remove_fields(L, base_removed, COUNT_OF(base_removed));
    lua_pop(L, 1);
    lua_getglobal(L, LUA_COLIBNAME);
    remove_fields(L, coroutine_removed, COUNT_OF(coroutine_removed));
    lua_pop(L, 1);
    lua_getglobal(L, LUA_LOADLIBNAME);
    remove_fields(L, package_removed, COUNT_OF(package_removed));
    lua_pushliteral(L, "");
    lua_setfield(L, -2, "path");
    lua_pushliteral(L, "");
    lua_setfield(L, -2, "cpath");
    lua_pop(L, 1);
    luaL_requiref(L, LUA_OSLIBNAME, luaopen_os, 1);
    keep_fields(L, LUA_OSLIBNAME, os_kept, COUNT_OF(os_kept));
    luaL_requiref(L, LUA_DBLIBNAME, luaopen_debug, 1);
    keep_fields(L, LUA_DBLIBNAME, debug_kept, COUNT_OF(debug_kept));
    lua_pop(L, 2);
}

static int open_libraries(lua_State *L)
{
    struct vm *vm = vm_of(L);
    if (vm->kind == VM_TOOL)
        luaL_openlibs(L);
    else
        open_app_libraries(L);
    task_guard_yield(L);
    lua_getglobal(L, LUA_LOADLIBNAME);
    install_searcher(L, vm->kind);
    return 0;
}

struct vm *vm_new(enum vm_kind kind, struct bundle *bundle, size_t memory_max, struct err *err)
{
    struct vm *vm = x_calloc(1, sizeof *vm);
    vm->kind = kind;
    vm->memory_max = memory_max;
    vm->begin_until_ns = UINT64_MAX;
    vm->bundle = bundle_ref(bundle);
    list_init(&vm->ready);
    list_init(&vm->tasks);
    list_init(&vm->spare);
    arena_init(&vm->arena);
    vm->L = lua_newstate(allocate, vm);
    if (!vm->L) {
        (void)err_set(err, ERR_LIMIT, "no memory for a Lua state within %zu bytes", memory_max);
        vm_free(vm);
        return NULL;
    }
    lua_atpanic(vm->L, panic);
    *(struct vm **)lua_getextraspace(vm->L) = vm;
    lua_pushcfunction(vm->L, open_libraries);
    if (vm_call(vm, 0, 0, err) < 0) {
        vm_free(vm);
        return NULL;
    }
    return vm;
}

void vm_free(struct vm *vm)
{
    if (!vm)
        return;
    assert(!vm->running);
    vm->closing = true;
    task_cancel_all(vm);
    if (vm->L)
        lua_close(vm->L);
    arena_release(&vm->arena);
    bundle_unref(vm->bundle);
    free(vm);
}

int vm_load(struct vm *vm, const struct bundle_file *file, struct err *err)
{
    return load_chunk(vm->L, file, err);
}

static int log_traceback(lua_State *L)
{
    luaL_traceback(L, L, NULL, 1);
    const char *text = lua_tostring(L, -1);
    log_event(LOG_WARN, "Lua error", LOG_S("traceback", text));
    lua_pop(L, 1);
    return 1;
}

int vm_call(struct vm *vm, int nargs, int nresults, struct err *err)
{
    lua_State *L = vm->L;
    if (!lua_checkstack(L, 4)) {
        lua_pop(L, nargs + 1);
        return err_set(err, ERR_LIMIT, "the Lua stack is full");
    }
    int function = lua_gettop(L) - nargs;
    lua_pushcfunction(L, log_traceback);
    lua_insert(L, function);
    int status = lua_pcall(L, nargs, nresults, function);
    lua_remove(L, function);
    if (status == LUA_OK)
        return 0;
    vm_pop_error(L, err);
    return -1;
}

static int require_module(lua_State *L)
{
    const char *name = lua_touserdata(L, 1);
    lua_getglobal(L, "require");
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    return 1;
}

int vm_require(struct vm *vm, const char *name, struct err *err)
{
    if (!lua_checkstack(vm->L, 4))
        return err_set(err, ERR_LIMIT, "the Lua stack is full");
    lua_pushcfunction(vm->L, require_module);
    lua_pushlightuserdata(vm->L, (void *)(uintptr_t)name);
    return vm_call(vm, 1, 1, err);
}
