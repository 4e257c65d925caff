/* One UTF-8 sequence at a time, for those who also need to know where the fault is. Pure; any thread. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/base.h"

/* Bytes (1-4) of the valid UTF-8 sequence text[0..len) begins with; 0 if it begins with none. Overlong forms,
 * surrogates and code points above U+10FFFF are not valid. */
size_t utf8_sequence(const char *text, size_t len);

#endif
