/* my_driver: hands out pools and addresses from memory. Start from here: a driver that asks a service of yours does so in
 * request_pool() and request_address().
 *
 * Any method is called from any thread, several at a time: here one mutex orders them. This driver forgets everything when its
 * process ends and says so with RequiresRequestReplay: the engine then requests again what is in use. `davit plugin check`
 * tests that too. */
#define _XOPEN_SOURCE 700
#include <arpa/inet.h>
#include <davit/plugin.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT 200

/* IPv4 and IPv6 addresses as numbers. */
__extension__ typedef unsigned __int128 number;

struct range {
    int family;
    number first;
    int prefix;
};

struct pool {
    struct pool* next;
    char id[3 * MAX_TEXT];
    struct range range;
    struct range choice; /* the sub-pool, or all of it */
    int users;
    number* taken; /* in no order */
    size_t taken_count;
    number following; /* a released address is given again only when all others were */
};

struct my_driver {
    pthread_mutex_t mutex;
    struct pool* pools;
};

/* Fills the error and returns its code, so that a failure is one statement. */
static int32_t fail(davit_error* err, enum davit_code code, int sys_errno, const char* format, ...) {
    va_list arguments;
    err->code = (int32_t)code;
    err->sys_errno = sys_errno;
    va_start(arguments, format);
    vsnprintf(err->message, err->message_cap, format, arguments);
    va_end(arguments);
    return (int32_t)code;
}

/* Where the value of the member `key` begins, or NULL. Good for flat messages: it doesn't tell an inner object's
 * members from outer ones. A plugin with richer messages uses a JSON library. */
static const char* find_value(davit_str json, const char* key) {
    const char* at = json.data;
    const char* end = json.data + json.len;
    size_t key_length = strlen(key);
    while (at < end) {
        const char* start;
        int same;
        if (*at++ != '"') continue;
        start = at;
        while (at < end && *at != '"') at += *at == '\\' ? 2 : 1;
        if (at >= end) return NULL;
        same = (size_t)(at - start) == key_length && memcmp(start, key, key_length) == 0;
        for (++at; at < end && *at == ' ';) ++at;
        if (at >= end || *at != ':') continue; /* a value, no key */
        for (++at; at < end && *at == ' ';) ++at;
        if (same) return at < end ? at : NULL;
    }
    return NULL;
}

/* Copies a string member. Escapes other than \" \\ and \/ are refused, which addresses never need. */
static int find_string(davit_str json, const char* key, char* out, size_t cap) {
    const char* at = find_value(json, key);
    const char* end = json.data + json.len;
    size_t length = 0;
    if (at == NULL || *at != '"') return -1;
    for (++at; at < end && *at != '"'; ++at) {
        if (*at == '\\' && (++at >= end || strchr("\"\\/", *at) == NULL)) return -1;
        if (length + 1 >= cap) return -1;
        out[length++] = *at;
    }
    out[length] = '\0';
    return at < end ? 0 : -1;
}

static void put(const davit_call* call, const char* text) { call->reply->write(call->reply->ctx, text, strlen(text)); }

/* A string with its quotes. Control characters were refused, so that quotes and backslashes are all that can need an escape. */
static void put_string(const davit_call* call, const char* text) {
    put(call, "\"");
    for (; *text != '\0'; ++text) {
        char piece[3] = {*text, '\0', '\0'};
        if (*text == '"' || *text == '\\') {
            piece[0] = '\\';
            piece[1] = *text;
        }
        put(call, piece);
    }
    put(call, "\"");
}

static int is_method(const davit_call* call, const char* name) {
    return call->method.len == strlen(name) && memcmp(call->method.data, name, call->method.len) == 0;
}

static int bits(int family) { return family == AF_INET ? 32 : 128; }

static number last_of(const struct range* range) {
    return range->first + ((((number)1 << (bits(range->family) - range->prefix - 1)) - 1) * 2 + 1);
}

static int contains(const struct range* range, int family, number first, number last) {
    return range->family == family && range->first <= first && last <= last_of(range);
}

static int overlap(const struct range* a, const struct range* b) {
    return a->family == b->family && a->first <= last_of(b) && b->first <= last_of(a);
}

static int parse_address(const char* text, int family, number* address) {
    unsigned char bytes[16];
    int i;
    if (inet_pton(family, text, bytes) != 1) return -1;
    *address = 0;
    for (i = 0; i < bits(family) / 8; ++i) *address = *address << 8 | bytes[i];
    return 0;
}

/* "10.0.0.0/24"; the bits behind the prefix are dropped. */
static int parse_range(const char* text, struct range* range) {
    char address[INET6_ADDRSTRLEN];
    const char* slash = strchr(text, '/');
    char* end;
    long prefix;
    number mask;
    range->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    if (slash == NULL || (size_t)(slash - text) >= sizeof address || slash[1] < '0' || slash[1] > '9') return -1;
    prefix = strtol(slash + 1, &end, 10);
    if (*end != '\0' || prefix < 1 || prefix >= bits(range->family)) return -1;
    range->prefix = (int)prefix;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    if (parse_address(address, range->family, &range->first) != 0) return -1;
    mask = ((number)1 << (bits(range->family) - range->prefix)) - 1;
    range->first &= ~mask;
    return 0;
}

/* `out` has room for MAX_TEXT bytes. */
static const char* cidr(number address, int family, int prefix, char* out) {
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN];
    int i;
    for (i = bits(family) / 8; i-- > 0; address >>= 8) bytes[i] = (unsigned char)address;
    inet_ntop(family, bytes, text, sizeof text);
    snprintf(out, MAX_TEXT, "%s/%d", text, prefix);
    return out;
}

static struct pool* find_pool(struct my_driver* driver, const char* id) {
    struct pool* pool = driver->pools;
    while (pool != NULL && strcmp(pool->id, id) != 0) pool = pool->next;
    return pool;
}

static struct pool* overlapping(struct my_driver* driver, const struct range* range, const char* but) {
    struct pool* pool = driver->pools;
    while (pool != NULL && (strcmp(pool->id, but) == 0 || !overlap(&pool->range, range))) pool = pool->next;
    return pool;
}

/* The first of 256 ranges that no pool has. Yours may want to leave out those of the host's own networks. */
static int choose_range(struct my_driver* driver, int v6, struct range* range) {
    char text[MAX_TEXT];
    int i;
    for (i = 0; i < 256; ++i) {
        snprintf(text, sizeof text, v6 ? "fd00:217:0:%d::/64" : "10.217.%d.0/24", i);
        if (parse_range(text, range) == 0 && overlapping(driver, range, "") == NULL) return 0;
    }
    return -1;
}

static int32_t request_pool(struct my_driver* driver, const davit_call* call, davit_error* err) {
    char space[MAX_TEXT] = "", pool_text[MAX_TEXT] = "", sub_text[MAX_TEXT] = "", id[3 * MAX_TEXT], text[MAX_TEXT], sub[MAX_TEXT];
    const char* v6_value = find_value(call->request, "V6");
    const int v6 = v6_value != NULL && *v6_value == 't';
    struct range range, choice;
    struct pool* pool;
    if ((find_value(call->request, "AddressSpace") != NULL && find_string(call->request, "AddressSpace", space, sizeof space) != 0) ||
        (find_value(call->request, "Pool") != NULL && find_string(call->request, "Pool", pool_text, sizeof pool_text) != 0) ||
        (find_value(call->request, "SubPool") != NULL && find_string(call->request, "SubPool", sub_text, sizeof sub_text) != 0))
        return fail(err, DAVIT_INVALID, 0, "a member of the request is no text, or too long");
    if (*pool_text == '\0' && *sub_text != '\0') return fail(err, DAVIT_INVALID, 0, "sub-pool %s: without a pool", sub_text);
    if (*pool_text == '\0') {
        if (choose_range(driver, v6, &range) != 0) return fail(err, DAVIT_UNAVAILABLE, 0, "no pool is free");
    } else if (parse_range(pool_text, &range) != 0 || (v6 && range.family != AF_INET6)) {
        return fail(err, DAVIT_INVALID, 0, "\"%s\" is no pool of more than one address of that family", pool_text);
    }
    choice = range;
    if (*sub_text != '\0' && (parse_range(sub_text, &choice) != 0 || !contains(&range, choice.family, choice.first, last_of(&choice))))
        return fail(err, DAVIT_INVALID, 0, "sub-pool %s: isn't in %s", sub_text, pool_text);
    /* Made of the request, so that it is the same in the next life. */
    cidr(range.first, range.family, range.prefix, text);
    cidr(choice.first, choice.family, choice.prefix, sub);
    snprintf(id, sizeof id, "%s/%s/%s", space, text, sub);
    if (overlapping(driver, &range, id) != NULL) return fail(err, DAVIT_CONFLICT, 0, "pool %s: overlaps another", text);
    pool = find_pool(driver, id);
    if (pool == NULL) {
        pool = calloc(1, sizeof *pool);
        if (pool == NULL) return fail(err, DAVIT_SYSTEM, 0, "no memory");
        memcpy(pool->id, id, sizeof id);
        pool->range = range;
        pool->choice = choice;
        pool->following = choice.first;
        pool->next = driver->pools;
        driver->pools = pool;
    }
    ++pool->users;
    put(call, "{\"PoolID\":");
    put_string(call, id);
    put(call, ",\"Pool\":");
    put_string(call, text);
    put(call, ",\"Data\":{}}");
    return DAVIT_OK;
}

static void release_pool(struct my_driver* driver, const char* id) {
    struct pool** place = &driver->pools;
    while (*place != NULL && strcmp((*place)->id, id) != 0) place = &(*place)->next;
    if (*place != NULL && --(*place)->users == 0) {
        struct pool* gone = *place;
        *place = gone->next;
        free(gone->taken);
        free(gone);
    }
}

static size_t index_of(const struct pool* pool, number address) {
    size_t i = 0;
    while (i < pool->taken_count && pool->taken[i] != address) ++i;
    return i;
}

static int choose_address(struct pool* pool, number* address) {
    size_t tries;
    /* Among so many in a row one is free, or none is. */
    for (tries = pool->taken_count + 3; tries > 0; --tries) {
        *address = pool->following;
        pool->following = *address == last_of(&pool->choice) ? pool->choice.first : *address + 1;
        if (pool->range.prefix < bits(pool->range.family) - 1 &&
            (*address == pool->range.first || (pool->range.family == AF_INET && *address == last_of(&pool->range))))
            continue;
        if (index_of(pool, *address) == pool->taken_count) return 0;
    }
    return -1;
}

static int32_t request_address(struct my_driver* driver, const davit_call* call, const char* id, davit_error* err) {
    char wanted[MAX_TEXT] = "", text[MAX_TEXT];
    struct pool* pool = find_pool(driver, id);
    number address = 0;
    number* more;
    if (pool == NULL) return fail(err, DAVIT_NOT_FOUND, 0, "pool %s: no such pool", id);
    if (find_value(call->request, "Address") != NULL && find_string(call->request, "Address", wanted, sizeof wanted) != 0)
        return fail(err, DAVIT_INVALID, 0, "Address is no text");
    if (*wanted == '\0') {
        if (choose_address(pool, &address) != 0) return fail(err, DAVIT_UNAVAILABLE, 0, "pool %s: no address is free", id);
    } else if (parse_address(wanted, pool->range.family, &address) != 0 || !contains(&pool->range, pool->range.family, address, address)) {
        return fail(err, DAVIT_INVALID, 0, "address %s: isn't in pool %s", wanted, id);
    }
    if (index_of(pool, address) < pool->taken_count) return fail(err, DAVIT_CONFLICT, 0, "address %s: is taken", wanted);
    more = realloc(pool->taken, (pool->taken_count + 1) * sizeof *more);
    if (more == NULL) return fail(err, DAVIT_SYSTEM, 0, "no memory");
    pool->taken = more;
    pool->taken[pool->taken_count++] = address;
    put(call, "{\"Address\":");
    put_string(call, cidr(address, pool->range.family, pool->range.prefix, text));
    put(call, ",\"Data\":{}}");
    return DAVIT_OK;
}

static int32_t release_address(struct my_driver* driver, const davit_call* call, const char* id, davit_error* err) {
    char text[MAX_TEXT];
    struct pool* pool = find_pool(driver, id);
    number address;
    size_t at;
    if (pool == NULL) return DAVIT_OK; /* a repeated request */
    if (find_string(call->request, "Address", text, sizeof text) != 0 || parse_address(text, pool->range.family, &address) != 0)
        return fail(err, DAVIT_INVALID, 0, "no address in the request");
    at = index_of(pool, address);
    if (at < pool->taken_count) pool->taken[at] = pool->taken[--pool->taken_count];
    return DAVIT_OK;
}

static int32_t answer(struct my_driver* driver, const davit_call* call, davit_error* err) {
    char id[3 * MAX_TEXT];
    if (is_method(call, "IpamDriver.GetCapabilities")) {
        put(call, "{\"RequiresMACAddress\":false,\"RequiresRequestReplay\":true}");
        return DAVIT_OK;
    }
    if (is_method(call, "IpamDriver.GetDefaultAddressSpaces")) {
        put(call, "{\"LocalDefaultAddressSpace\":\"my_driver-local\",\"GlobalDefaultAddressSpace\":\"my_driver-global\"}");
        return DAVIT_OK;
    }
    if (is_method(call, "IpamDriver.RequestPool")) return request_pool(driver, call, err);
    if (!is_method(call, "IpamDriver.ReleasePool") && !is_method(call, "IpamDriver.RequestAddress") &&
        !is_method(call, "IpamDriver.ReleaseAddress"))
        return fail(err, DAVIT_UNIMPLEMENTED, 0, "%.*s: not implemented by this driver", (int)call->method.len, call->method.data);
    if (find_string(call->request, "PoolID", id, sizeof id) != 0) return fail(err, DAVIT_INVALID, 0, "no PoolID in the request");
    if (is_method(call, "IpamDriver.RequestAddress")) return request_address(driver, call, id, err);
    if (is_method(call, "IpamDriver.ReleaseAddress")) return release_address(driver, call, id, err);
    release_pool(driver, id);
    return DAVIT_OK;
}

static int32_t my_driver_call(void* self, const davit_call* call, davit_error* err) {
    struct my_driver* driver = self;
    int32_t code;
    pthread_mutex_lock(&driver->mutex);
    code = answer(driver, call, err);
    pthread_mutex_unlock(&driver->mutex);
    return code;
}

static int32_t my_driver_open(const davit_host* host, davit_str config, void** self, davit_error* err) {
    struct my_driver* driver;
    (void)host;
    if (memchr(config.data, '"', config.len) != NULL)
        return fail(err, DAVIT_INVALID, 0, "this driver has no configuration, but got %.*s", (int)config.len, config.data);
    driver = calloc(1, sizeof *driver);
    if (driver == NULL) return fail(err, DAVIT_SYSTEM, 0, "no memory");
    pthread_mutex_init(&driver->mutex, NULL);
    *self = driver;
    return DAVIT_OK;
}

static void my_driver_close(void* self) {
    struct my_driver* driver = self;
    while (driver->pools != NULL) {
        driver->pools->users = 1;
        release_pool(driver, driver->pools->id);
    }
    pthread_mutex_destroy(&driver->mutex);
    free(driver);
}

static const davit_driver my_driver_driver = {
    sizeof(davit_driver), DAVIT_IPAM,      "my_driver",    "pools and addresses from memory",
    my_driver_open,       my_driver_close, my_driver_call, NULL};
static const davit_driver* const drivers[] = {&my_driver_driver, NULL};
static const davit_plugin plugin = {DAVIT_PLUGIN_MAGIC,   DAVIT_ABI_MAJOR, DAVIT_ABI_MINOR, 0,
                                    sizeof(davit_plugin), "my_driver",     "1.0",           "me",
                                    "Apache-2.0",         drivers};

const davit_plugin* davit_plugin_entry(void) { return &plugin; }
