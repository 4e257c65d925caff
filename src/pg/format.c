/* Writes binary numeric, timestamptz, date, uuid and bytea values as text. */
#include "pg/format.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DAYS_1970_TO_2000 10957
#define US_PER_SECOND 1000000
#define SECONDS_PER_DAY INT64_C(86400)
#define US_PER_DAY (SECONDS_PER_DAY * US_PER_SECOND)
#define DATE_BYTES_MAX (sizeof("+YYYYYYY-MM-DD") - 1) /* of 32 bits of days or 64 of microseconds */
#define TIME_BYTES_MAX (DATE_BYTES_MAX + sizeof("THH:MM:SS.ffffffZ") - 1)
#define UUID_BYTES (sizeof("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") - 1)

/* numeric: signs and special values, and base-10000 digits */
#define NUMERIC_POSITIVE 0x0000
#define NUMERIC_NEGATIVE 0x4000
#define NUMERIC_NAN 0xC000
#define NUMERIC_INFINITY 0xD000
#define NUMERIC_MINUS_INFINITY 0xF000
#define NUMERIC_HEADER_BYTES 8
#define NUMERIC_DIGIT_MAX 9999

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

/* A mark and two digits behind it; returns what follows. */
static char *put_part(char *at, char mark, unsigned value)
{
    *at = mark;
    buf_two_digits(at + 1, value);
    return at + 3;
}

/* Years outside 0000 to 9999 get a sign, as ISO 8601 asks. */
static char *put_year(char *at, int64_t year)
{
    if (year < 0 || year > 9999)
        return at + snprintf(at, sizeof("+YYYYYYY"), "%c%04" PRId64, year < 0 ? '-' : '+',
                             year < 0 ? -year : year);
    buf_two_digits(at, (unsigned)year / 100);
    buf_two_digits(at + 2, (unsigned)year % 100);
    return at + 4;
}

/* The proleptic Gregorian date of a day counted from 1970-01-01. The year is cut into eras of 400 years that
 * begin on 1 March, so that the leap day is the last day of a year. */
static char *put_date(char *at, int64_t days)
{
    int64_t shifted = days + 719468; /* from 0000-03-01 */
    int64_t era = floor_div(shifted, 146097);
    unsigned day_of_era = (unsigned)(shifted - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month_from_march = (5 * day_of_year + 2) / 153;
    unsigned day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    at = put_year(at, era * 400 + year_of_era + (month <= 2));
    return put_part(put_part(at, '-', month), '-', day);
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
    uint64_t in_day = (uint64_t)(us - days * US_PER_DAY);
    unsigned seconds = (unsigned)(in_day / US_PER_SECOND), fraction = (unsigned)(in_day % US_PER_SECOND);
    char *start = buf_room(out, TIME_BYTES_MAX);
    char *at = put_date(start, days + DAYS_1970_TO_2000);
    at = put_part(at, 'T', seconds / 3600);
    at = put_part(at, ':', seconds / 60 % 60);
    at = put_part(at, ':', seconds % 60);
    at = put_part(at, '.', fraction / 10000);
    buf_two_digits(at, fraction / 100 % 100);
    buf_two_digits(at + 2, fraction % 100);
    at[4] = 'Z';
    buf_add(out, (size_t)(at + 5 - start));
    return true;
}

bool pg_format_date(struct buf *out, const unsigned char *bytes, size_t len)
{
    if (len != 4)
        return false;
    int32_t days = (int32_t)pg_read_u32(bytes); /* since 2000-01-01 */
    if (days == INT32_MAX || days == INT32_MIN) {
        buf_append_str(out, days == INT32_MAX ? "infinity" : "-infinity");
        return true;
    }
    char *start = buf_room(out, DATE_BYTES_MAX);
    buf_add(out, (size_t)(put_date(start, (int64_t)days + DAYS_1970_TO_2000) - start));
    return true;
}

/* The eight digits of four bytes, all at once in one word whose lowest byte is the first. */
static void hex_of_four(char *digits, const unsigned char *bytes)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint32_t four;
    memcpy(&four, bytes, sizeof(four));
    uint64_t word = le32toh(four);
    word = (word | word << 16) & UINT64_C(0x0000ffff0000ffff);
    word = (word | word << 8) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word >> 4 | word << 8) & (each * 15);
    uint64_t letters = ((word + each * (16 - 10)) >> 4) & each;
    word = htole64(word + each * '0' + letters * ('a' - '0' - 10));
    memcpy(digits, &word, sizeof(word));
}

bool pg_format_uuid(struct buf *out, const unsigned char *bytes, size_t len)
{
    if (len != 16)
        return false;
    char digits[32];
    for (size_t i = 0; i < 4; i++)
        hex_of_four(digits + i * 8, bytes + i * 4);
    char *at = buf_room(out, UUID_BYTES);
    memcpy(at, digits, 8);
    memcpy(at + 9, digits + 8, 4);
    memcpy(at + 14, digits + 12, 4);
    memcpy(at + 19, digits + 16, 4);
    memcpy(at + 24, digits + 20, 12);
    at[8] = at[13] = at[18] = at[23] = '-';
    buf_add(out, UUID_BYTES);
    return true;
}

bool pg_format_bytea(struct buf *out, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    buf_append_str(out, "\\x");
    char *at = buf_room(out, len * 2);
    for (size_t i = 0; i < len; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    buf_add(out, len * 2);
    return true;
}
