/* Lua modules log, clock and rate as scripts use them. */
#include "bind_fixture.h"

#include "base/log.h"
#include "bind_capture.h"

static int set_up(void **state)
{
    struct fixture *f = fixture_new();
    fixture_open(f);
    f->context.rates = rate_table_new(100);
    log_set_level(LOG_INFO);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct rate_table *rates = f->context.rates;
    fixture_free(f);
    rate_table_free(rates);
    return 0;
}

static void writes_lines_with_sorted_fields(void **state)
{
    struct capture c;
    capture_begin(&c);
    fixture_run(
        *state,
        "local log = require 'log'\n"
        "log.info('one', {z = 1, a = 'text', m = true, f = 0.5}); log.warn('two'); log.error('three', {})\n"
        "log.debug('hidden')\n");
    const char *text = capture_end(&c);
    assert_non_null(
        strstr(text, "\"level\":\"info\",\"msg\":\"one\",\"a\":\"text\",\"f\":0.5,\"m\":true,\"z\":1}\n"));
    assert_non_null(strstr(text, "\"level\":\"warn\",\"msg\":\"two\"}\n"));
    assert_non_null(strstr(text, "\"level\":\"error\",\"msg\":\"three\"}\n"));
    assert_null(strstr(text, "hidden"));
}

static void refuses_odd_fields(void **state)
{
    fixture_run(*state, "local log = require 'log'\n"
                        "for _, fields in ipairs {{a = {}}, {a = print}, {1}, {ts = 1}, {level = 1}, {msg = "
                        "1}, {request_id = 1}} do\n"
                        "  assert(not pcall(log.info, 'x', fields))\n"
                        "end\n"
                        "local many = {} for i = 1, 25 do many['f' .. i] = i end\n"
                        "assert(not pcall(log.info, 'x', many)); assert(not pcall(log.info)); assert(not "
                        "pcall(log.info, 'x', 1))\n");
}

static void tells_the_time(void **state)
{
    fixture_run(*state, "local clock = require 'clock'\n"
                        "local us = clock.now_us()\n"
                        "assert(math.type(us) == 'integer' and us // 1000000 - clock.real() <= 1)\n"
                        "assert(clock.now():find('^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d%d%d%dZ$'))\n");
}

static void takes_tokens(void **state)
{
    struct fixture *f = *state;
    fixture_run(f,
                "local rate = require 'rate'\n"
                "for _ = 1, 3 do assert(rate.take('k', 3, 300) == true) end\n"
                "local ok, wait = rate.take('k', 3, 300)\n"
                "assert(ok == false and wait >= 99 and wait <= 100 and rate.take('other', 3, 300))\n"
                "for _, bad in ipairs {{'k', 0, 1}, {'k', 1, 0}, {'k', 100000001, 1}, {'k', 1, 31 * 86400 + "
                "1}, {'k'}} do\n"
                "  assert(not pcall(rate.take, table.unpack(bad)))\n"
                "end\n");
    struct rate_table *rates = f->context.rates;
    f->context.rates = NULL;
    fixture_run(f, FAILS "fails('internal', require 'rate'.take, 'k', 1, 1)");
    f->context.rates = rates;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_lines_with_sorted_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_odd_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_the_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_tokens, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
