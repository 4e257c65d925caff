/* Lua module auth: passwords over the thread pool, tokens, random text, hashes. */
#include "bind_fixture.h"

#include <sodium.h>

#define KEY "0123456789abcdef0123456789abcdef"
#define REQUIRES "local auth, json = require 'auth', require 'json'\n"

static int set_up(void **state)
{
    struct hasher_settings cheap = {.threads_max = 1, .waiting_max = 2, .memory_bytes = 8192, .passes = 1};
    struct fixture *f = fixture_new();
    fixture_open(f);
    f->context.loop = &f->loop;
    f->context.hasher = hasher_new(&cheap);
    f->context.keys = (struct auth_keys){.current_len = strlen(KEY), .issuer = "here", .audience = "there"};
    memcpy(f->context.keys.current, KEY, strlen(KEY));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct hasher *hasher = f->context.hasher;
    fixture_close_vm(f);
    while (uv_run(&f->loop, UV_RUN_DEFAULT) != 0)
        ;
    hasher_free(hasher);
    fixture_free(f);
    return 0;
}

static void hashes_and_verifies_passwords(void **state)
{
    fixture_run(*state, REQUIRES
                "local hash = auth.hash_password('secret word')\n"
                "assert(hash:sub(1, 10) == '$argon2id$' and hash ~= auth.hash_password('secret word'))\n"
                "assert(auth.verify_password(hash, 'secret word') == true)\n"
                "assert(auth.verify_password(hash, 'secret wore') == false)\n"
                "assert(auth.verify_password(nil, 'secret word') == false)\n"
                "assert(auth.verify_password('garbage', 'secret word') == false)\n"
                "local odd = ('\\0\\xff'):rep(512)\n"
                "assert(auth.verify_password(auth.hash_password(odd), odd))\n");
}

static void refuses_odd_passwords(void **state)
{
    fixture_run(*state, REQUIRES FAILS
                "fails('invalid', auth.hash_password, '')\n"
                "fails('invalid', auth.hash_password, ('x'):rep(1025))\n"
                "fails('invalid', auth.verify_password, nil, '')\n"
                "assert(not pcall(auth.hash_password)); assert(not pcall(auth.hash_password, {}))\n"
                "local ok, e = pcall(coroutine.wrap(function() auth.hash_password('x') end))\n"
                "assert(not ok and e:find('coroutine'), e)\n");
}

static void too_many_are_busy(void **state)
{
    struct fixture *f = *state;
    struct fixture_task tasks[5];
    for (size_t i = 0; i < COUNT_OF(tasks); i++)
        fixture_start(f, &tasks[i], "require 'auth'.hash_password('x')");
    int busy = 0;
    for (size_t i = 0; i < COUNT_OF(tasks); i++) {
        fixture_finish(f, &tasks[i]);
        busy += !tasks[i].ok && strstr(tasks[i].message, "too many") != NULL;
    }
    assert_int_equal(2, busy);
}

static void a_cancelled_task_lets_go(void **state)
{
    struct fixture *f = *state;
    struct fixture_task running, waiting, after;
    fixture_start(f, &running, "require 'auth'.hash_password('x')");
    fixture_start(f, &waiting, "require 'auth'.verify_password(nil, 'x')");
    vm_run(f->vm, FIXTURE_RESUMES);
    task_cancel(waiting.task);
    task_cancel(running.task);
    assert_true(running.has_ended && waiting.has_ended);
    fixture_start(f, &after, "require 'auth'.hash_password('x')");
    fixture_finish(f, &after);
    assert_true(after.ok);
}

static void a_closing_vm_lets_go(void **state)
{
    struct fixture *f = *state;
    struct fixture_task tasks[2];
    fixture_start(f, &tasks[0], "require 'auth'.hash_password('x')");
    fixture_start(f, &tasks[1], "require 'auth'.hash_password('x')");
    vm_run(f->vm, FIXTURE_RESUMES);
    vm_free(f->vm);
    f->vm = NULL;
    assert_true(tasks[0].has_ended && tasks[1].has_ended);
}

static void issues_tokens_it_accepts(void **state)
{
    fixture_run(
        *state, REQUIRES FAILS
        "local token = auth.issue_token({sub = 'u1', role = 'parent', device = 'd'}, 60)\n"
        "local claims = assert(auth.verify_token(token))\n"
        "assert(claims.sub == 'u1' and claims.role == 'parent' and claims.device == 'd')\n"
        "assert(claims.iss == 'here' and claims.aud == 'there')\n"
        "assert(claims.exp == claims.iat + 60 and claims.nbf == claims.iat)\n"
        "local none, e = auth.verify_token(token .. 'x'); assert(none == nil and e.code == 'invalid_token')\n"
        "assert(auth.verify_foreign_token(token) == nil)\n"
        "local none, e = auth.verify_token(''); assert(none == nil and e.code == 'invalid_token')\n"
        "for _, name in ipairs {'iss', 'aud', 'iat', 'nbf', 'exp'} do\n"
        "  assert(not pcall(auth.issue_token, {sub = 'u', role = 'r', [name] = 1}, 60))\n"
        "end\n"
        "assert(not pcall(auth.issue_token, {sub = 'u'}, 60))\n"
        "assert(not pcall(auth.issue_token, {sub = '', role = 'r'}, 60))\n"
        "assert(not pcall(auth.issue_token, {sub = 1, role = 'r'}, 60))\n"
        "assert(not pcall(auth.issue_token, {sub = 'u', role = 'r'}, 0))\n"
        "assert(not pcall(auth.issue_token, {sub = 'u', role = 'r'}, 31536001))\n"
        "fails('limit', auth.issue_token, {sub = ('u'):rep(4000), role = 'r'}, 60)\n"
        "fails('invalid', auth.issue_token, {sub = 'u', role = 'r', f = print}, 60)\n");
}

/* What a reload does: another VM, with these keys. The global `token` moves over. */
static void begin_anew(struct fixture *f, const struct auth_keys *keys)
{
    lua_getglobal(f->vm->L, "token");
    char *token = x_strdup(lua_tostring(f->vm->L, -1));
    struct auth_keys copy = *keys;
    struct hasher *hasher = f->context.hasher;
    fixture_close_vm(f);
    fixture_open(f);
    f->context.loop = &f->loop;
    f->context.hasher = hasher;
    f->context.keys = copy;
    lua_pushstring(f->vm->L, token);
    lua_setglobal(f->vm->L, "token");
    free(token);
}

static void keys_rotate(void **state)
{
    struct fixture *f = *state;
    struct auth_keys keys = f->context.keys;
    fixture_run(f, "token = require 'auth'.issue_token({sub = 'u', role = 'r'}, 60)\n"
                   "assert(require 'auth'.verify_token(token))");
    memcpy(keys.previous, keys.current, keys.current_len);
    keys.previous_len = keys.current_len;
    keys.current[0] ^= 1;
    begin_anew(f, &keys);
    fixture_run(f, "assert(require 'auth'.verify_token(token))");
    keys.previous_len = 0;
    begin_anew(f, &keys);
    fixture_run(f, "local _, e = require 'auth'.verify_token(token); assert(e.code == 'invalid_token')");
    keys.current_len = 0;
    begin_anew(f, &keys);
    fixture_run(f, FAILS "fails('internal', require 'auth'.issue_token, {sub = 'u', role = 'r'}, 60)");
}

static void remembers_what_it_has_verified(void **state)
{
    fixture_run(*state, REQUIRES
                "local token = auth.issue_token({sub = 'u', role = 'r'}, 60)\n"
                "local claims = assert(auth.verify_token(token))\n"
                "assert(rawequal(auth.verify_token(token), claims))\n"
                "assert(not auth.verify_foreign_token(token) and not auth.verify_foreign_token(token))\n"
                "for at = 1, #token do\n"
                "  local other = token:sub(at, at) == 'A' and 'B' or 'A'\n"
                "  local forged = token:sub(1, at - 1) .. other .. token:sub(at + 1)\n"
                "  assert(not auth.verify_token(forged) and not auth.verify_token(forged), at)\n"
                "end\n"
                "assert(not auth.verify_token(token:sub(1, -2)) and not auth.verify_token(token .. 'A'))\n"
                "assert(auth.verify_token(token).sub == 'u')\n");
}

static void remembers_what_was_made_of_claims(void **state)
{
    fixture_run(*state, REQUIRES "local token, times = auth.issue_token({sub = 'u', role = 'r'}, 60), 0\n"
                                 "local made\n"
                                 "local function read(claims)\n"
                                 "  assert(claims.sub == 'u' and claims.exp)\n"
                                 "  times = times + 1\n"
                                 "  return made\n"
                                 "end\n"
                                 "assert(auth.verify_token(token, read) == nil)\n"
                                 "made = {}\n"
                                 "assert(auth.verify_token(token, read) == made)\n"
                                 "assert(auth.verify_token(token, read) == made and times == 2)\n"
                                 "assert(not pcall(auth.verify_token, token, 'read'))\n"
                                 "assert(not auth.verify_token(token .. 'x', read) and times == 2)\n");
}

static void more_tokens_than_it_remembers(void **state)
{
    fixture_run(*state, REQUIRES
                "local tokens = {}\n"
                "for n = 1, 6000 do tokens[n] = auth.issue_token({sub = 'u' .. n, role = 'r'}, 60) end\n"
                "for round = 1, 2 do\n"
                "  for n, token in ipairs(tokens) do assert(auth.verify_token(token).sub == 'u' .. n) end\n"
                "end\n");
}

static void what_it_remembers_expires(void **state)
{
    fixture_run(*state, REQUIRES "local token = auth.issue_token({sub = 'u', role = 'r'}, 2)\n"
                                 "local claims, again, err = assert(auth.verify_token(token))\n"
                                 "repeat\n"
                                 "  again, err = auth.verify_token(token)\n"
                                 "  assert(os.time() <= claims.exp + 1)\n"
                                 "until not again\n"
                                 "assert(err.code == 'expired_token' and os.time() >= claims.exp - 1)\n");
}

static void small_helpers(void **state)
{
    fixture_run(
        *state, REQUIRES
        "assert(auth.sha256('') == 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')\n"
        "assert(auth.equal('a\\0b', 'a\\0b') and not auth.equal('a', 'b') and not auth.equal('a', 'aa'))\n"
        "assert(auth.equal('', ''))\n"
        "assert(#auth.random(16) == 22 and #auth.random(64) == 86 and auth.random(16) ~= auth.random(16))\n"
        "assert(not auth.random(64):find('[^%w_-]'))\n"
        "assert(not pcall(auth.random, 15) and not pcall(auth.random, 65))\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hashes_and_verifies_passwords, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_odd_passwords, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_are_busy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cancelled_task_lets_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_closing_vm_lets_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(issues_tokens_it_accepts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_rotate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(remembers_what_it_has_verified, set_up, tear_down),
        cmocka_unit_test_setup_teardown(remembers_what_was_made_of_claims, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_tokens_than_it_remembers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_it_remembers_expires, set_up, tear_down),
        cmocka_unit_test_setup_teardown(small_helpers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
