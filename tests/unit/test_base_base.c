/* base/base.h: allocation and clocks. */
#include "base/base.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void test_zero_bytes_is_still_memory(void **state)
{
    (void)state;
    void *a = x_malloc(0);
    void *b = x_calloc(0, 8);
    void *c = x_realloc(NULL, 0);
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    free(a);
    free(b);
    free(c);
}

static void test_calloc_zeroes(void **state)
{
    (void)state;
    unsigned char *bytes = x_calloc(16, 16);
    for (int i = 0; i < 256; i++)
        assert_int_equal(bytes[i], 0);
    free(bytes);
}

static void test_strings_are_copied(void **state)
{
    (void)state;
    char *whole = x_strdup("word");
    char *part = x_strndup("word", 2);
    char *all = x_strndup("word", 100);
    assert_string_equal(whole, "word");
    assert_string_equal(part, "wo");
    assert_string_equal(all, "word");
    free(whole);
    free(part);
    free(all);
}

static void ask_for_too_much(void)
{
    /* Half the address space: no machine has it. Through volatile, so that no compiler sees it coming. */
    volatile size_t count = SIZE_MAX / 4;
    void *block = x_calloc(count, 8);
    free(block);
}

static void test_no_memory_ends_the_process(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        ask_for_too_much();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    /* A sanitizer has its own way to end the process. */
    bool is_aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    assert_true(is_aborted || (WIFEXITED(status) && WEXITSTATUS(status) != 0));
}

static void test_clocks_move_forward(void **state)
{
    (void)state;
    uint64_t mono = mono_ns();
    uint64_t cpu = thread_cpu_ns();
    volatile unsigned work = 0;
    while (thread_cpu_ns() == cpu)
        work++;
    assert_true(mono_ns() > mono);
    assert_true(thread_cpu_ns() > cpu);
}

static void test_wall_clock_is_in_microseconds(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL);
    int64_t seconds = wall_us() / 1000000;
    /* time() may lag behind by a tick. */
    assert_true(seconds >= before && seconds <= (int64_t)time(NULL) + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero_bytes_is_still_memory),
        cmocka_unit_test(test_calloc_zeroes),
        cmocka_unit_test(test_strings_are_copied),
        cmocka_unit_test(test_no_memory_ends_the_process),
        cmocka_unit_test(test_clocks_move_forward),
        cmocka_unit_test(test_wall_clock_is_in_microseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
