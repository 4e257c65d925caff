/* The UTF-8 check: well-formed sequences of the Unicode standard, table 3-7, and nothing else. */
#include "base/utf8.h"

#include "base/json.h"

static bool is_between(unsigned char byte, unsigned char least, unsigned char most)
{
    return byte >= least && byte <= most;
}

size_t utf8_sequence(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    if (len == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    /* Only the second byte has bounds that depend on the first: they exclude overlong forms (E0, F0),
     * surrogates (ED) and what lies above U+10FFFF (F4). */
    size_t size = 0;
    unsigned char least = 0x80;
    unsigned char most = 0xBF;
    if (is_between(s[0], 0xC2, 0xDF)) {
        size = 2;
    } else if (is_between(s[0], 0xE0, 0xEF)) {
        size = 3;
        least = s[0] == 0xE0 ? 0xA0 : 0x80;
        most = s[0] == 0xED ? 0x9F : 0xBF;
    } else if (is_between(s[0], 0xF0, 0xF4)) {
        size = 4;
        least = s[0] == 0xF0 ? 0x90 : 0x80;
        most = s[0] == 0xF4 ? 0x8F : 0xBF;
    }
    if (size == 0 || len < size || !is_between(s[1], least, most))
        return 0;
    for (size_t i = 2; i < size; i++)
        if (!is_between(s[i], 0x80, 0xBF))
            return 0;
    return size;
}

bool utf8_is_valid(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t size = utf8_sequence(text + at, len - at);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}
