/* socket_probe: which address families a container may make sockets of. Prints "FAMILY ok" or "FAMILY ERRNO-NAME". */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
    for (int family = 1; family < 46; ++family) {
        const int fd = socket(family, SOCK_STREAM, 0);
        const int other = fd < 0 && errno != EPERM ? socket(family, SOCK_DGRAM, 0) : -1;
        if (fd >= 0 || other >= 0)
            printf("%d ok\n", family);
        else
            printf("%d %s\n", family, errno == EPERM ? "EPERM" : "other");
        if (fd >= 0) (void)close(fd);
        if (other >= 0) (void)close(other);
    }
    return 0;
}
