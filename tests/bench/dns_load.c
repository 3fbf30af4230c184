/* The load of the names bench, and the server behind it.
 *
 *   dns_load ask NETNS SECONDS WINDOW NAME   asks 127.0.0.11 for NAME ("%d" in it: a number) with WINDOW questions under way;
 *                                            prints replies per second and how many were lost
 *   dns_load serve ADDRESS                   answers every question with one address; says "ready"
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kPort = 53, kHeader = 12, kBuffer = 4 << 20 };

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t put_name(unsigned char *at, const char *name) {
    unsigned char *start = at;
    while (*name) {
        size_t length = strcspn(name, ".");
        *at++ = (unsigned char)length;
        memcpy(at, name, length);
        at += length;
        name += length + (name[length] == '.');
    }
    *at++ = 0;
    return (size_t)(at - start);
}

static size_t question(unsigned char *message, uint16_t id, const char *pattern, unsigned number) {
    char name[256];
    snprintf(name, sizeof name, pattern, number);
    memset(message, 0, kHeader);
    message[0] = (unsigned char)(id >> 8);
    message[1] = (unsigned char)id;
    message[2] = 1;
    message[5] = 1;
    size_t size = kHeader + put_name(message + kHeader, name);
    const unsigned char tail[] = {0, 1, 0, 1};
    memcpy(message + size, tail, sizeof tail);
    return size + sizeof tail;
}

static int udp(const char *address, int server) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0), size = kBuffer;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(kPort)};
    inet_pton(AF_INET, address, &to.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    if ((server ? bind : connect)(fd, (struct sockaddr *)&to, sizeof to) != 0) fail(address);
    return fd;
}

static int ask(const char *namespace, double duration, unsigned window, const char *pattern) {
    int inside = open(namespace, O_RDONLY);
    if (inside < 0 || setns(inside, CLONE_NEWNET) != 0) fail(namespace);
    int fd = udp("127.0.0.11", 0);
    struct timeval patience = {.tv_sec = 0, .tv_usec = 200000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    unsigned char message[512];
    unsigned sent = 0, under_way = 0, lost = 0, bad = 0;
    unsigned long got = 0;
    double start = seconds();
    while (seconds() - start < duration) {
        for (; under_way < window; ++under_way, ++sent) {
            size_t size = question(message, (uint16_t)sent, pattern, sent);
            if (send(fd, message, size, 0) < 0) fail("send");
        }
        ssize_t size = recv(fd, message, sizeof message, 0);
        if (size < 0) {
            lost += under_way;
            under_way = 0;
            continue;
        }
        if (size < kHeader || (message[3] & 15) != 0 || message[7] != 1) ++bad;
        ++got;
        if (under_way) --under_way;
    }
    printf("%.0f %u %u\n", (double)got / (seconds() - start), lost, bad);
    return 0;
}

static void serve(const char *address) {
    int fd = udp(address, 1);
    puts("ready");
    fflush(stdout);
    unsigned char message[1024];
    for (;;) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        ssize_t size = recvfrom(fd, message, 512, 0, (struct sockaddr *)&from, &length);
        if (size < kHeader) continue;
        message[2] |= 0x80;
        message[3] = 0x80;
        message[7] = 1;
        message[11] = 0;
        const unsigned char record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1};
        memcpy(message + size, record, sizeof record);
        sendto(fd, message, (size_t)size + sizeof record, 0, (struct sockaddr *)&from, length);
    }
}

int main(int argc, char **argv) {
    if (argc == 6 && strcmp(argv[1], "ask") == 0) return ask(argv[2], atof(argv[3]), (unsigned)atoi(argv[4]), argv[5]);
    if (argc == 3 && strcmp(argv[1], "serve") == 0) serve(argv[2]);
    return 2;
}
