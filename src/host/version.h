/* The program's version, as version, metrics and logs say it. */
#ifndef HOST_VERSION_H
#define HOST_VERSION_H

#define LEXICRAFT_VERSION "0.1.0"

#endif
