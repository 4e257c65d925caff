/* Intrusive doubly linked list with a sentinel head. A node is in at most one list; list_remove leaves it
 * self-linked, so removing twice is harmless and list_is_linked tells the truth. Not thread-safe. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/base.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline bool list_is_linked(const struct list *node)
{
    return node->next != NULL && node->next != node;
}

static inline void list_append(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void list_prepend(struct list *head, struct list *node)
{
    list_append(head->next, node);
}

static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

static inline struct list *list_pop(struct list *head)
{
    struct list *first = head->next;
    if (first == head)
        return NULL;
    /* Not list_remove: like this a static analyser sees that the head forgets a node the caller may free. */
    head->next = first->next;
    first->next->prev = head;
    list_init(first);
    return first;
}

/* Move every node of from to the end of to. */
static inline void list_splice(struct list *to, struct list *from)
{
    struct list *node;
    while ((node = list_pop(from)) != NULL)
        list_append(to, node);
}

/* Walk with the possibility of removing node inside the loop. */
#define list_for_each(node, safe, head)                                                                      \
    for (struct list *node = (head)->next, *safe = node->next; node != (head); node = safe, safe = node->next)

#endif
