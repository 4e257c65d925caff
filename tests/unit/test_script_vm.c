/* script/vm.h: what a VM offers, where modules come from, how errors come out, and the memory cap. */
#include "script_fixture.h"

#include <pthread.h>

static void runs(struct vm *vm, const char *text)
{
    struct err err = {0};
    fixture_function(vm, text);
    if (vm_call(vm, 0, 0, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    assert_int_equal(lua_gettop(vm->L), 0);
}

static void fails(struct vm *vm, const char *text, const char *expected)
{
    struct err err = {0};
    fixture_function(vm, text);
    assert_int_equal(-1, vm_call(vm, 0, 0, &err));
    if (!strstr(err.text, expected))
        fail_msg("%s: %s", text, err.text);
    assert_int_equal(lua_gettop(vm->L), 0);
}

static void test_app_libraries(void **state)
{
    (void)state;
    struct bundle *b = fixture_bundle_new();
    struct vm *vm = fixture_vm(VM_APP, b);
    runs(vm,
         "assert(io == nil and load == nil and loadfile == nil and dofile == nil and rawset == nil)\n"
         "assert(os.execute == nil and os.getenv == nil and os.exit == nil and os.remove == nil and "
         "os.tmpname == nil)\n"
         "assert(os.time and os.date and os.clock and os.difftime)\n"
         "assert(debug.traceback and debug.sethook == nil and debug.getregistry == nil and debug.getinfo == "
         "nil)\n"
         "assert(package.loadlib == nil and package.path == '' and package.cpath == '' and "
         "#package.searchers == 2)\n"
         "assert(package.loaded.io == nil and package.loaded.os == os and package.loaded.debug == debug)\n"
         "assert(string.format('%q', 'x') and utf8.char(233) and math.random(1, 1) == 1 and coroutine.wrap)\n"
         "assert(require 'string' == string and select('#', 1, 2) == 2 and ('x'):rep(2) == 'xx')");
    vm_free(vm);
    bundle_unref(b);
}

static void test_tool_libraries(void **state)
{
    (void)state;
    struct bundle *b = fixture_bundle("lua/app.lua", "return {from = 'bundle'}", NULL);
    struct vm *vm = fixture_vm(VM_TOOL, b);
    runs(vm, "assert(io.open and os.exit and debug.sethook and load and package.loadlib)\n"
             "assert(#package.searchers == 5 and package.path ~= '' and require('app').from == 'bundle')\n"
             "assert(load 'return 1 << 3'() == 8)");
    fails(vm, "require 'no.such.module'", "no module 'no.such.module' in the bundle");
    vm_free(vm);
    bundle_unref(b);
}

static void test_modules_come_from_the_bundle(void **state)
{
    (void)state;
    struct err err = {0};
    struct bundle *b =
        fixture_bundle("lua/app.lua", "local users = require 'store.users' return {users = users}",
                       "lua/store/users.lua", "local name, path = ... return {name = name, path = path}",
                       "lua/rules/points.lua", "return {}", NULL);
    struct vm *vm = fixture_vm(VM_APP, b);
    assert_int_equal(0, vm_require(vm, "app", &err));
    assert_int_equal(lua_gettop(vm->L), 1);
    lua_setglobal(vm->L, "app");
    runs(vm, "assert(app.users == require 'store.users' and app.users.name == 'store.users')\n"
             "assert(app.users.path == 'lua/store/users.lua')\n"
             "local f = coroutine.wrap(function() return require 'app' end) assert(f() == app)");
    fails(vm, "require 'store'", "no module 'store' in the bundle");
    fails(vm, "require '../config'", "in the bundle");
    fails(vm, "require(('x'):rep(5000))", "module 'xxx");
    fails(vm, "require 'rules.points'", "lua/rules/points.lua: rule files are called by rules.call");
    assert_int_equal(-1, vm_require(vm, "gone", &err));
    assert_int_equal(lua_gettop(vm->L), 0);
    vm_free(vm);
    bundle_unref(b);
}

static void test_required_in_a_coroutine_first(void **state)
{
    (void)state;
    struct bundle *b =
        fixture_bundle("lua/m.lua", "return {coroutine.isyieldable()}", "lua/broken.lua", "\nreturn {", NULL);
    struct vm *vm = fixture_vm(VM_APP, b);
    runs(vm, "local co = coroutine.wrap(function() return require 'm' end)\n"
             "assert(co()[1] == false and require 'm'[1] == false)\n"
             "local ok, e = coroutine.resume(coroutine.create(function() require 'broken' end))\n"
             "assert(not ok and e:find('lua/broken.lua:2:', 1, true) == 1, e)");
    vm_free(vm);
    bundle_unref(b);
}

static void test_broken_modules_name_their_place(void **state)
{
    (void)state;
    struct err err = {0};
    struct bundle *b = fixture_bundle("lua/syntax.lua", "\nreturn {1", "lua/bits.lua", "return 1\n  | 2",
                                      "lua/raises.lua", "\n\nerror('no')", "lua/binary.lua", "\x1bLua",
                                      "lua/index.lua", "local x\nreturn x.y.z", NULL);
    struct vm *vm = fixture_vm(VM_APP, b);
    static const char *const cases[][2] = {
        {"syntax", "lua/syntax.lua:2: '}' expected near <eof>"},
        {"bits", "lua/bits.lua:2: bitwise operator '|'"},
        {"raises", "lua/raises.lua:3: no"},
        {"binary", "lua/binary.lua:1: attempt to load a binary chunk"},
        {"index", "lua/index.lua:2: attempt to index a nil value (local 'x')"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(-1, vm_require(vm, cases[i][0], &err));
        if (strncmp(err.text, cases[i][1], strlen(cases[i][1])) != 0)
            fail_msg("%s", err.text);
        assert_int_equal(lua_gettop(vm->L), 0);
    }
    vm_free(vm);
    bundle_unref(b);
}

static void test_load(void **state)
{
    (void)state;
    struct err err = {0};
    struct bundle *b = fixture_bundle_new();
    struct vm *vm = fixture_vm(VM_TOOL, b);
    assert_int_equal(-1, fixture_load(vm, "lua/x.lua", "return 1 & 1", &err));
    assert_int_equal(0, fixture_load(vm, "spec/x.lua", "return 1 & 1", &err));
    assert_int_equal(0, vm_call(vm, 0, 1, &err));
    assert_int_equal(lua_tointeger(vm->L, -1), 1);
    lua_pop(vm->L, 1);
    assert_int_equal(0, fixture_load(vm, "run", "#!/usr/bin/env lua\nerror('here')", &err));
    assert_int_equal(-1, vm_call(vm, 0, 0, &err));
    assert_string_equal(err.text, "run:2: here");
    assert_int_equal(0, fixture_load(vm, "run", "#!/usr/bin/env lua", &err));
    assert_int_equal(0, vm_call(vm, 0, 0, &err));
    assert_int_equal(-1, fixture_load(vm, "lua/x.lua", "x x", &err));
    assert_int_equal(err.code, ERR_SCRIPT);
    assert_int_equal(lua_gettop(vm->L), 0);
    vm_free(vm);
    bundle_unref(b);
}

static void test_call_moves_values(void **state)
{
    (void)state;
    struct err err = {0};
    struct bundle *b = fixture_bundle_new();
    struct vm *vm = fixture_vm(VM_APP, b);
    lua_pushinteger(vm->L, 99);
    fixture_function(vm, "local a, b = ... return b, a, 7");
    lua_pushinteger(vm->L, 1);
    lua_pushinteger(vm->L, 2);
    assert_int_equal(0, vm_call(vm, 2, LUA_MULTRET, &err));
    assert_int_equal(lua_gettop(vm->L), 4);
    assert_int_equal(lua_tointeger(vm->L, 2), 2);
    assert_int_equal(lua_tointeger(vm->L, 1), 99);
    lua_settop(vm->L, 1);
    fixture_function(vm, "error('x', 0)");
    lua_pushinteger(vm->L, 1);
    assert_int_equal(-1, vm_call(vm, 1, 3, &err));
    assert_string_equal(err.text, "x");
    assert_int_equal(lua_gettop(vm->L), 1);
    vm_free(vm);
    bundle_unref(b);
}

static void test_error_values(void **state)
{
    (void)state;
    struct bundle *b = fixture_bundle_new();
    struct vm *vm = fixture_vm(VM_APP, b);
    fails(vm, "error(42)", "42");
    fails(vm, "error(1.5)", "1.5");
    fails(vm, "error()", "(error value is a nil)");
    fails(vm, "error(print)", "(error value is a function)");
    fails(vm, "error({})", "(an error without a message)");
    fails(vm, "error({message = 'm', code = 'too_early'})", "too_early: m");
    fails(vm, "error({message = 'm', code = 'busy', [1] = {}, x = 7})", "m");
    fails(vm, "error(setmetatable({}, {__tostring = function() error('never called') end}))",
          "without a message");
    fails(vm, "local function f() return f() + 1 end f()", "stack overflow");
    fails(vm, "string.rep('x', -1) error('two\\nlines')", "two lines");
    vm_free(vm);
    bundle_unref(b);
}

static int raise_err(lua_State *L)
{
    vm_push_err(L, lua_touserdata(L, 1));
    return lua_error(L);
}

static void test_errors_come_back_as_they_went(void **state)
{
    (void)state;
    struct bundle *b = fixture_bundle_new();
    struct vm *vm = fixture_vm(VM_APP, b);
    for (int code = ERR_NONE + 1; code <= ERR_INTERNAL; code++) {
        struct err sent = {0}, got = {0};
        (void)err_set(&sent, (enum err_code)code, "reason %d", code);
        if (code == ERR_DB) {
            snprintf(sent.sqlstate, sizeof sent.sqlstate, "23505");
            snprintf(sent.constraint, sizeof sent.constraint, "users_email_key");
        }
        lua_pushcfunction(vm->L, raise_err);
        lua_pushlightuserdata(vm->L, &sent);
        assert_int_equal(-1, vm_call(vm, 1, 0, &got));
        assert_int_equal(got.code, code);
        assert_string_equal(got.text, sent.text);
        assert_string_equal(got.sqlstate, sent.sqlstate);
        assert_string_equal(got.constraint, sent.constraint);
    }
    lua_pushcfunction(vm->L, raise_err);
    lua_setglobal(vm->L, "raise_err");
    struct err sent = {0};
    (void)err_set(&sent, ERR_BUSY, "later");
    lua_pushlightuserdata(vm->L, &sent);
    lua_setglobal(vm->L, "sent");
    runs(vm, "local ok, e = pcall(raise_err, sent)\n"
             "assert(not ok and e.code == 'busy' and e.message == 'later' and e.sqlstate == nil and "
             "tostring(e) == 'later')");
    vm_free(vm);
    bundle_unref(b);
}

static void test_memory_cap(void **state)
{
    (void)state;
    struct err err = {0};
    struct bundle *b = fixture_bundle_new();
    struct vm *vm = vm_new(VM_APP, b, 1u << 20, &err);
    assert_non_null(vm);
    fails(vm, "local t = {} while true do t[#t + 1] = {} end", "not enough memory");
    fails(vm, "return ('x'):rep(1 << 30)", "not enough memory");
    assert_true(vm_memory(vm) <= 1u << 20);
    runs(vm, "local s = 0 for i = 1, 100000 do s = s + #tostring(i) end");
    assert_true(vm_memory(vm) <= 1u << 20);
    vm_free(vm);
    assert_null(vm_new(VM_APP, b, 1000, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    bundle_unref(b);
}

/* What blocks of one size have left is there for those of another, and not taken from the machine again. */
static void test_memory_cap_of_many_sizes(void **state)
{
    (void)state;
    enum { CAP = 16 << 20 };
    struct err err = {0};
    struct bundle *b = fixture_bundle_new();
    struct vm *vm = vm_new(VM_APP, b, CAP, &err);
    assert_non_null(vm);
    runs(vm, "for size = 48, 1984, 32 do\n"
             "  local t = {}\n"
             "  for i = 1, 8000000 // (size + 40) do t[i] = ('%08d'):format(i) .. ('x'):rep(size - 8) end\n"
             "  t = nil collectgarbage()\n"
             "end");
    assert_true(vm_held(vm) < CAP / 4);
    fails(vm, "local t = {} while true do t[#t + 1] = {} end", "not enough memory");
    runs(vm, "collectgarbage()");
    assert_true(vm_held(vm) < CAP / 4);
    vm_free(vm);
    bundle_unref(b);
}

/* A VM cannot be made in too little memory, and says so, wherever it runs out. */
static void test_memory_running_out_while_making(void **state)
{
    (void)state;
    struct err err = {0};
    struct bundle *b = fixture_bundle_new();
    int failures = 0;
    struct vm *vm = NULL;
    for (size_t bytes = 64; vm == NULL; bytes += 64) {
        vm = vm_new(VM_APP, b, bytes, &err);
        failures += vm == NULL;
        assert_true(bytes < 1u << 20);
    }
    assert_true(failures > 50);
    vm_free(vm);
    bundle_unref(b);
}

static void test_memory_running_out_anywhere(void **state)
{
    (void)state;
    struct err err = {0};
    struct bundle *b =
        fixture_bundle("lua/m.lua", "local m = {} for i = 1, 10 do m[i] = {'k' .. i} end return m", NULL);
    struct vm *vm = fixture_vm(VM_APP, b);
    int failures = 0, rc = -1;
    for (size_t bytes = 0; rc < 0; bytes += 16) {
        runs(vm, "package.loaded.m = nil collectgarbage()");
        vm->memory_max = vm_memory(vm) + bytes;
        rc = vm_require(vm, "m", &err);
        vm->memory_max = 0;
        failures += rc < 0;
        assert_int_equal(lua_gettop(vm->L), rc < 0 ? 0 : 1);
    }
    assert_true(failures > 20);
    lua_rawgeti(vm->L, 1, 10);
    lua_rawgeti(vm->L, -1, 1);
    assert_string_equal(lua_tostring(vm->L, -1), "k10");
    vm_free(vm);
    bundle_unref(b);
}

struct reading {
    struct vm *vm;
    struct sandbox *sandbox;
    bool stop; /* atomic */
    size_t most;
};

static void *read_memory(void *data)
{
    struct reading *r = data;
    do {
        size_t now = vm_memory(r->vm) + sandbox_memory(r->sandbox);
        if (now > r->most)
            r->most = now;
    } while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE));
    return NULL;
}

/* Metrics are read by another thread while the owner works. */
static void test_memory_is_read_from_another_thread(void **state)
{
    (void)state;
    struct err err = {0};
    struct bundle *b = fixture_bundle("lua/rules/r.lua",
                                      "local r = {} r.shapes = {f = {input = {}, result = {}}}\n"
                                      "function r.f() return {} end function r.examples() end return r",
                                      NULL);
    struct reading r = {.vm = fixture_vm(VM_APP, b), .sandbox = sandbox_new(b, &FIXTURE_LIMITS, &err)};
    assert_non_null(r.sandbox);
    pthread_t reader;
    assert_int_equal(0, pthread_create(&reader, NULL, read_memory, &r));
    for (int i = 0; i < 1000; i++) {
        lua_createtable(r.vm->L, 0, 0);
        assert_int_equal(0, sandbox_call(r.sandbox, "r", "f", r.vm->L, 1, NULL, NULL, &err));
        lua_settop(r.vm->L, 0);
    }
    __atomic_store_n(&r.stop, true, __ATOMIC_RELEASE);
    assert_int_equal(0, pthread_join(reader, NULL));
    assert_true(r.most > 0 && r.most < 1u << 20);
    sandbox_free(r.sandbox);
    vm_free(r.vm);
    bundle_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_app_libraries),
        cmocka_unit_test(test_tool_libraries),
        cmocka_unit_test(test_modules_come_from_the_bundle),
        cmocka_unit_test(test_required_in_a_coroutine_first),
        cmocka_unit_test(test_broken_modules_name_their_place),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_call_moves_values),
        cmocka_unit_test(test_error_values),
        cmocka_unit_test(test_errors_come_back_as_they_went),
        cmocka_unit_test(test_memory_cap),
        cmocka_unit_test(test_memory_cap_of_many_sizes),
        cmocka_unit_test(test_memory_running_out_while_making),
        cmocka_unit_test(test_memory_running_out_anywhere),
        cmocka_unit_test(test_memory_is_read_from_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
