/* Writes binary numeric, timestamptz, date, uuid and bytea values as text. */
#include "pg/format.h"

#include <string.h>

#define DAYS_1970_TO_2000 10957
#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY INT64_C(86400)
#define US_PER_DAY (SECONDS_PER_DAY * US_PER_SECOND)

/* numeric: signs and special values, and base-10000 digits */
#define NUMERIC_POSITIVE 0x0000
#define NUMERIC_NEGATIVE 0x4000
#define NUMERIC_NAN 0xC000
#define NUMERIC_INFINITY 0xD000
#define NUMERIC_MINUS_INFINITY 0xF000
#define NUMERIC_HEADER_BYTES 8
#define NUMERIC_DIGIT_MAX 9999

uint16_t pg_read_u16(const unsigned char *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

uint32_t pg_read_u32(const unsigned char *bytes)
{
    return (uint32_t)pg_read_u16(bytes) << 16 | pg_read_u16(bytes + 2);
}

uint64_t pg_read_u64(const unsigned char *bytes)
{
    return (uint64_t)pg_read_u32(bytes) << 32 | pg_read_u32(bytes + 4);
}

struct numeric {
    int count, weight, scale;
    const unsigned char *digits;
};

/* The base-10000 digit that stands for 10000^power. */
static unsigned numeric_digit(const struct numeric *n, int power)
{
    int index = n->weight - power;
    if (index < 0 || index >= n->count)
        return 0;
    return pg_read_u16(n->digits + (size_t)index * 2);
}

static void append_fraction(struct buf *out, const struct numeric *n)
{
    buf_append_char(out, '.');
    size_t end = out->len + (size_t)n->scale;
    for (int power = -1; out->len < end; power--)
        buf_append_digits(out, numeric_digit(n, power), 4);
    /* The last group may hold more digits than the scale shows. */
    out->len = end;
    out->data[end] = '\0';
}

static bool numeric_special(struct buf *out, unsigned sign)
{
    switch (sign) {
    case NUMERIC_NAN:
        buf_append_str(out, "NaN");
        return true;
    case NUMERIC_INFINITY:
        buf_append_str(out, "Infinity");
        return true;
    case NUMERIC_MINUS_INFINITY:
        buf_append_str(out, "-Infinity");
        return true;
    default:
        return false;
    }
}

bool pg_format_numeric(struct buf *out, const unsigned char *bytes, size_t len)
{
    if (len < NUMERIC_HEADER_BYTES)
        return false;
    struct numeric n = {
        .count = pg_read_u16(bytes),
        .weight = (int16_t)pg_read_u16(bytes + 2),
        .scale = pg_read_u16(bytes + 6),
        .digits = bytes + NUMERIC_HEADER_BYTES,
    };
    unsigned sign = pg_read_u16(bytes + 4);
    if (len != NUMERIC_HEADER_BYTES + (size_t)n.count * 2)
        return false;
    if (sign != NUMERIC_POSITIVE && sign != NUMERIC_NEGATIVE)
        return numeric_special(out, sign);
    for (int i = 0; i < n.count; i++) {
        if (pg_read_u16(n.digits + (size_t)i * 2) > NUMERIC_DIGIT_MAX)
            return false;
    }
    if (sign == NUMERIC_NEGATIVE)
        buf_append_char(out, '-');
    buf_append_digits(out, n.weight >= 0 ? numeric_digit(&n, n.weight) : 0, 1);
    for (int power = n.weight - 1; power >= 0; power--)
        buf_append_digits(out, numeric_digit(&n, power), 4);
    if (n.scale > 0)
        append_fraction(out, &n);
    return true;
}

static int64_t floor_div(int64_t value, int64_t by)
{
    int64_t quotient = value / by;
    return value % by < 0 ? quotient - 1 : quotient;
}

static void append_part(struct buf *out, char before, int64_t value, int digits)
{
    buf_append_char(out, before);
    buf_append_digits(out, (uint64_t)value, digits);
}

/* Append the proleptic Gregorian date of a day counted from 1970-01-01. The year is cut into eras of 400
 * years that begin on 1 March, so that the leap day is the last day of a year. Years outside 0000 to 9999 get
 * a sign, as ISO 8601 asks. */
static void append_date(struct buf *out, int64_t days)
{
    int64_t shifted = days + 719468; /* from 0000-03-01 */
    int64_t era = floor_div(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2);
    if (year < 0 || year > 9999)
        buf_append_char(out, year < 0 ? '-' : '+');
    buf_append_digits(out, (uint64_t)(year < 0 ? -year : year), 4);
    append_part(out, '-', month, 2);
    append_part(out, '-', day, 2);
}

bool pg_format_timestamptz(struct buf *out, const unsigned char *bytes, size_t len)
{
    if (len != 8)
        return false;
    int64_t us = (int64_t)pg_read_u64(bytes); /* since 2000-01-01 UTC */
    if (us == INT64_MAX || us == INT64_MIN) {
        buf_append_str(out, us == INT64_MAX ? "infinity" : "-infinity");
        return true;
    }
    int64_t days = floor_div(us, US_PER_DAY);
    int64_t in_day = us - days * US_PER_DAY;
    int64_t seconds = in_day / US_PER_SECOND;
    append_date(out, days + DAYS_1970_TO_2000);
    append_part(out, 'T', seconds / 3600, 2);
    append_part(out, ':', seconds / 60 % 60, 2);
    append_part(out, ':', seconds % 60, 2);
    append_part(out, '.', in_day % US_PER_SECOND, 6);
    buf_append_char(out, 'Z');
    return true;
}

bool pg_format_date(struct buf *out, const unsigned char *bytes, size_t len)
{
    if (len != 4)
        return false;
    int32_t days = (int32_t)pg_read_u32(bytes); /* since 2000-01-01 */
    if (days == INT32_MAX || days == INT32_MIN)
        buf_append_str(out, days == INT32_MAX ? "infinity" : "-infinity");
    else
        append_date(out, (int64_t)days + DAYS_1970_TO_2000);
    return true;
}

static void append_hex(struct buf *out, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    buf_reserve(out, len * 2);
    for (size_t i = 0; i < len; i++) {
        buf_append_char(out, digits[bytes[i] >> 4]);
        buf_append_char(out, digits[bytes[i] & 15]);
    }
}

bool pg_format_uuid(struct buf *out, const unsigned char *bytes, size_t len)
{
    if (len != 16)
        return false;
    append_hex(out, bytes, 4);
    for (size_t at = 4; at < 10; at += 2) {
        buf_append_char(out, '-');
        append_hex(out, bytes + at, 2);
    }
    buf_append_char(out, '-');
    append_hex(out, bytes + 10, 6);
    return true;
}

bool pg_format_bytea(struct buf *out, const unsigned char *bytes, size_t len)
{
    buf_append_str(out, "\\x");
    append_hex(out, bytes, len);
    return true;
}
