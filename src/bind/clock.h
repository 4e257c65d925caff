/* Business time: the wall clock plus an offset that only a test may move. Process-wide, atomic; any thread.
 * Tokens, deadlines and rate limits never use it. */
#ifndef BIND_CLOCK_H
#define BIND_CLOCK_H

#include "base/err.h"

/* Allow clock_advance (LEXICRAFT_TEST_CLOCK=1 in the environment). Call before threads start. */
void clock_allow_test(bool allowed);
bool clock_is_test(void);
/* Microseconds since 1970 UTC of business time; strictly what wall_us() says unless a test moved it. */
int64_t clock_now_us(void);
/* Move business time forward (or back). ERR_INVALID unless allowed. */
int clock_advance(int64_t delta_us, struct err *err) MUSTCHECK;
/* "2026-11-22T14:39:00.123456Z" */
void clock_format(int64_t us, char out[28]);

#endif
