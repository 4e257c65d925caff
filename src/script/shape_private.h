/* What a shape and a checked value consist of; for shape.c and shape_value.c only. */
#ifndef SCRIPT_SHAPE_PRIVATE_H
#define SCRIPT_SHAPE_PRIVATE_H

#include "script/shape.h"

enum shape_kind { SHAPE_INTEGER, SHAPE_NUMBER, SHAPE_BOOLEAN, SHAPE_TEXT, SHAPE_LIST, SHAPE_RECORD };

struct shape_field {
    char *name;
    size_t len;
    struct shape *shape;
};

struct shape {
    enum shape_kind kind;
    bool optional;
    union {
        int64_t integer;
        double number;
    } min, max;                 /* of integers and numbers; max.integer: most elements of a list */
    struct shape *element;      /* of a list */
    struct shape_field *fields; /* of a record, sorted by name */
    size_t field_count;
};

enum shape_type {
    VALUE_ABSENT,
    VALUE_INTEGER,
    VALUE_DOUBLE,
    VALUE_BOOLEAN,
    VALUE_TEXT,
    VALUE_LIST,
    VALUE_RECORD
};

struct shape_value {
    enum shape_type type;
    union {
        int64_t integer;
        double number;
        bool boolean;
        struct {
            size_t start, len; /* in shape_data.text */
        } text;
        struct {
            size_t first, count; /* in shape_data.items */
        } parts;
    } as;
};

#endif
