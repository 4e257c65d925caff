/* base/list.h: order, removal, splicing, walking while removing. */
#include "base/list.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int number;
    struct list link;
};

static int number_of(struct list *node)
{
    return CONTAINER_OF(node, struct item, link)->number;
}

static void expect_numbers(struct list *head, const int *numbers, size_t count)
{
    size_t at = 0;
    list_for_each (node, safe, head) {
        assert_true(at < count);
        assert_int_equal(number_of(node), numbers[at++]);
    }
    assert_int_equal(at, count);
}

static void test_order(void **state)
{
    (void)state;
    struct list head;
    list_init(&head);
    assert_true(list_is_empty(&head));
    assert_null(list_pop(&head));
    struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    list_append(&head, &items[1].link);
    list_append(&head, &items[2].link);
    list_prepend(&head, &items[0].link);
    expect_numbers(&head, (int[]){1, 2, 3}, 3);
    assert_int_equal(number_of(list_pop(&head)), 1);
    assert_false(list_is_linked(&items[0].link));
    assert_true(list_is_linked(&items[1].link));
    expect_numbers(&head, (int[]){2, 3}, 2);
}

static void test_remove_twice_is_harmless(void **state)
{
    (void)state;
    struct list head;
    list_init(&head);
    struct item items[] = {{.number = 1}, {.number = 2}};
    list_append(&head, &items[0].link);
    list_append(&head, &items[1].link);
    list_remove(&items[0].link);
    list_remove(&items[0].link);
    expect_numbers(&head, (int[]){2}, 1);
    list_remove(&items[1].link);
    assert_true(list_is_empty(&head));
}

static void test_linked_tells_the_truth(void **state)
{
    (void)state;
    struct item item = {0};
    assert_false(list_is_linked(&item.link));
    list_init(&item.link);
    assert_false(list_is_linked(&item.link));
    struct list head;
    list_init(&head);
    list_append(&head, &item.link);
    assert_true(list_is_linked(&item.link));
}

static void test_remove_while_walking(void **state)
{
    (void)state;
    struct list head;
    list_init(&head);
    struct item items[6];
    for (int i = 0; i < 6; i++) {
        items[i].number = i;
        list_append(&head, &items[i].link);
    }
    list_for_each (node, safe, &head) {
        if (number_of(node) % 2 == 0)
            list_remove(node);
    }
    expect_numbers(&head, (int[]){1, 3, 5}, 3);
}

static void test_splice_moves_all_in_order(void **state)
{
    (void)state;
    struct list to;
    struct list from;
    list_init(&to);
    list_init(&from);
    struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    list_append(&to, &items[0].link);
    list_append(&from, &items[1].link);
    list_append(&from, &items[2].link);
    list_splice(&to, &from);
    expect_numbers(&to, (int[]){1, 2, 3}, 3);
    assert_true(list_is_empty(&from));
    list_splice(&to, &from);
    expect_numbers(&to, (int[]){1, 2, 3}, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_remove_twice_is_harmless),
        cmocka_unit_test(test_linked_tells_the_truth),
        cmocka_unit_test(test_remove_while_walking),
        cmocka_unit_test(test_splice_moves_all_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
