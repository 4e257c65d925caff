/* Exit codes of every command; documented in lexicraft(1). */
#ifndef HOST_EXIT_CODE_H
#define HOST_EXIT_CODE_H

enum {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_UNAVAILABLE = 69, /* the server or the database cannot be reached */
    EXIT_CODE_CONFIG = 78,      /* settings, Lua or SQL are invalid */
};

#endif
