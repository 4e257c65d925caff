/* The program: makes the process safe, then hands over to the command line. */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <sodium.h>

#include "host/command.h"

/* Memory holds keys and passwords: no core dumps, no debugger of another process of this user. Leak checkers
 * need one. */
static void forbid_dumps(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    forbid_dumps();
    if (sodium_init() < 0) {
        fputs("lexicraft: libsodium does not start\n", stderr);
        return EXIT_CODE_FAILED;
    }
    return command_main(argc, argv);
}
