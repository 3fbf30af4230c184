/* traffic: a TCP server and its clients, small and static so that they run in any container. What is measured is the way
 * between them, so all do as little as they can.
 *
 * usage: traffic serve PORT [PORT...]          until it is killed
 *        traffic bulk HOST PORT SECONDS        prints how many MB/s went through one connection
 *        traffic latency HOST PORT COUNT       prints the median, in microseconds, of COUNT questions on one connection
 *        traffic connect HOST PORT COUNT       the same of COUNT new connections with one question each
 *        traffic first HOST PORT               connects once; the server prints how many microseconds that took
 *
 * The first byte of a connection says what the server is to do: e(cho), s(wallow) or p(rint). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kMaxFds = 4096, kBuffer = 256 * 1024 };

static char buffer[kBuffer];
static char modes[kMaxFds]; /* of each descriptor; 'l': it listens */

static void fail(const char* what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void watch(int epoll, int fd, char mode) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd >= kMaxFds || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("watch");
    modes[fd] = mode;
}

static void listenOn(int epoll, int port) {
    const int on = 1, off = 0;
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    const int fd = socket(AF_INET6, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0 || listen(fd, 512) != 0) fail("listen");
    watch(epoll, fd, 'l');
}

static void answer(int fd) {
    const ssize_t count = read(fd, buffer, sizeof buffer);
    if (count <= 0) {
        close(fd);
        return;
    }
    if (modes[fd] == 0) modes[fd] = buffer[0];
    if (modes[fd] == 'e' && write(fd, buffer, (size_t)count) != count) close(fd);
    if (modes[fd] == 'p' && write(STDOUT_FILENO, buffer + 1, (size_t)count - 1) < 0) fail("print");
}

static void serve(int count, char** ports) {
    struct epoll_event ready[64];
    const int epoll = epoll_create1(0), on = 1;
    for (int i = 0; i < count; ++i) listenOn(epoll, atoi(ports[i]));
    for (;;) {
        const int events = epoll_wait(epoll, ready, 64, -1);
        for (int i = 0; i < events; ++i) {
            const int fd = ready[i].data.fd;
            if (modes[fd] != 'l') {
                answer(fd);
                continue;
            }
            const int client = accept(fd, NULL, NULL);
            if (client < 0) continue;
            setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            watch(epoll, client, 0);
        }
    }
}

/* A server that is only being started refuses: that is no part of what is measured, so each attempt has its own time. */
static int connectTo(const char* host, const char* port, double* begin) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail(host);
    const double limit = now() + 10e6;
    const int on = 1;
    for (;;) {
        const int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0) fail("socket");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        *begin = now();
        if (connect(fd, (struct sockaddr*)&address, sizeof address) == 0) return fd;
        if ((errno != ECONNREFUSED && errno != ENETUNREACH) || now() > limit) fail("connect");
        close(fd);
        usleep(1000);
    }
}

static void ask(int fd) {
    char byte = 'e';
    if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) fail("ask");
}

static int compare(const void* a, const void* b) {
    const double one = *(const double*)a, other = *(const double*)b;
    return (one > other) - (one < other);
}

static void printMedian(double* times, int count) {
    qsort(times, (size_t)count, sizeof *times, compare);
    printf("%.2f\n", times[count / 2]);
}

static void latency(const char* host, const char* port, int count) {
    double* times = calloc((size_t)count, sizeof *times), begin;
    const int fd = connectTo(host, port, &begin);
    for (int i = 0; i < count; ++i) {
        begin = now();
        ask(fd);
        times[i] = now() - begin;
    }
    printMedian(times, count);
}

static void connections(const char* host, const char* port, int count) {
    double* times = calloc((size_t)count, sizeof *times), begin;
    const struct linger abort = {1, 0}; /* else the host runs out of ports that wait for late packets */
    for (int i = 0; i < count; ++i) {
        const int fd = connectTo(host, port, &begin);
        ask(fd);
        times[i] = now() - begin;
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
        close(fd);
    }
    printMedian(times, count);
}

static void bulk(const char* host, const char* port, double seconds) {
    double begin, bytes = 0;
    const int fd = connectTo(host, port, &begin);
    memset(buffer, 's', sizeof buffer);
    while (now() - begin < seconds * 1e6) {
        const ssize_t count = write(fd, buffer, sizeof buffer);
        if (count <= 0) fail("write");
        bytes += (double)count;
    }
    printf("%.1f\n", bytes / (now() - begin));
}

static void first(const char* host, const char* port) {
    double begin;
    char text[64];
    const int fd = connectTo(host, port, &begin);
    const int length = snprintf(text, sizeof text, "p%.0f\n", now() - begin);
    if (write(fd, text, (size_t)length) != length) fail("write");
}

int main(int argc, char** argv) {
    signal(SIGPIPE, SIG_IGN);
    const char* verb = argc > 2 ? argv[1] : "";
    if (strcmp(verb, "serve") == 0) serve(argc - 2, argv + 2);
    if (argc == 5 && strcmp(verb, "bulk") == 0) return bulk(argv[2], argv[3], atof(argv[4])), 0;
    if (argc == 5 && strcmp(verb, "latency") == 0) return latency(argv[2], argv[3], atoi(argv[4])), 0;
    if (argc == 5 && strcmp(verb, "connect") == 0) return connections(argv[2], argv[3], atoi(argv[4])), 0;
    if (argc == 4 && strcmp(verb, "first") == 0) return first(argv[2], argv[3]), 0;
    fprintf(stderr, "usage: traffic serve|bulk|latency|connect|first ...\n");
    return 2;
}
