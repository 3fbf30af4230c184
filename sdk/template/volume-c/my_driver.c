/* my_driver: a volume is a directory below the one that the host gives. Start from here: what makes your volumes yours
 * goes into my_driver_call().
 *
 * Any method is called from any thread, several at a time, and may be repeated when the caller lost the answer. What a
 * method answered for must still be known after the process was killed; here the directories themselves are the state.
 * `davit plugin check` tests all of that. */
#define _XOPEN_SOURCE 700 /* nftw() */
#include <davit/plugin.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_NAME 200
#define MAX_PATH 4096

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

/* Copies a string member. Escapes other than \" \\ and \/ are refused, which a volume's name never needs. */
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

/* Whether the object member `key` is there and has members itself. */
static int has_members(davit_str json, const char* key) {
    const char* at = find_value(json, key);
    const char* end = json.data + json.len;
    if (at == NULL || *at != '{') return 0;
    for (++at; at < end && *at == ' ';) ++at;
    return at < end && *at != '}';
}

static void put(const davit_call* call, const char* text) { call->reply->write(call->reply->ctx, text, strlen(text)); }

/* A string with its quotes. Names were checked, so that quotes and backslashes are all that can need an escape. */
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

static void put_volume(const davit_call* call, const char* root, const char* name) {
    char path[MAX_PATH];
    snprintf(path, sizeof path, "%s/%s", root, name);
    put(call, "{\"Name\":");
    put_string(call, name);
    put(call, ",\"Mountpoint\":");
    put_string(call, path);
    put(call, "}");
}

static int is_method(const davit_call* call, const char* name) {
    return call->method.len == strlen(name) && memcmp(call->method.data, name, call->method.len) == 0;
}

static int is_good_name(const char* name) {
    const char* at;
    for (at = name; *at != '\0'; ++at)
        if (*at == '/' || (unsigned char)*at < 0x20) return 0;
    return *name != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int32_t list_volumes(const davit_call* call, const char* root, davit_error* err) {
    DIR* directory = opendir(root);
    struct dirent* entry;
    const char* comma = "";
    if (directory == NULL) return fail(err, DAVIT_SYSTEM, errno, "open %s: %s", root, strerror(errno));
    put(call, "{\"Volumes\":[");
    while ((entry = readdir(directory)) != NULL) {
        if (!is_good_name(entry->d_name)) continue;
        put(call, comma);
        put_volume(call, root, entry->d_name);
        comma = ",";
    }
    put(call, "]}");
    closedir(directory);
    return DAVIT_OK;
}

/* The methods that need an existing volume. */
static int32_t ask_volume(const davit_call* call, const char* root, const char* name, const char* path,
                          davit_error* err) {
    struct stat status;
    if (stat(path, &status) != 0) return fail(err, DAVIT_NOT_FOUND, 0, "volume %s: no such volume", name);
    if (is_method(call, "VolumeDriver.Get")) {
        put(call, "{\"Volume\":");
        put_volume(call, root, name);
    } else {
        put(call, "{\"Mountpoint\":");
        put_string(call, path);
    }
    put(call, "}");
    return DAVIT_OK;
}

static int32_t create_volume(const davit_call* call, const char* name, const char* path, davit_error* err) {
    if (has_members(call->request, "Opts")) return fail(err, DAVIT_INVALID, 0, "volume %s: there are no options", name);
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return fail(err, DAVIT_SYSTEM, errno, "create %s: %s", path, strerror(errno));
    return DAVIT_OK;
}

static int remove_entry(const char* path, const struct stat* status, int type, struct FTW* place) {
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

/* A name that doesn't exist is removed already. FTW_PHYS: a link in a volume leads nowhere. */
static int32_t remove_volume(const char* name, const char* path, davit_error* err) {
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT)
        return fail(err, DAVIT_SYSTEM, errno, "remove volume %s: %s", name, strerror(errno));
    return DAVIT_OK;
}

static int32_t my_driver_call(void* self, const davit_call* call, davit_error* err) {
    const char* root = self;
    char name[MAX_NAME];
    char path[MAX_PATH];
    if (is_method(call, "VolumeDriver.List")) return list_volumes(call, root, err);
    if (is_method(call, "VolumeDriver.Capabilities")) {
        put(call, "{\"Capabilities\":{\"Scope\":\"local\"}}");
        return DAVIT_OK;
    }
    if (!is_method(call, "VolumeDriver.Create") && !is_method(call, "VolumeDriver.Remove") &&
        !is_method(call, "VolumeDriver.Unmount") && !is_method(call, "VolumeDriver.Get") &&
        !is_method(call, "VolumeDriver.Path") && !is_method(call, "VolumeDriver.Mount"))
        return fail(err, DAVIT_UNIMPLEMENTED, 0, "%.*s: not implemented by this driver", (int)call->method.len,
                    call->method.data);
    if (find_string(call->request, "Name", name, sizeof name) != 0 || !is_good_name(name))
        return fail(err, DAVIT_INVALID, 0, "no volume name in the request");
    snprintf(path, sizeof path, "%s/%s", root, name);
    if (is_method(call, "VolumeDriver.Create")) return create_volume(call, name, path, err);
    if (is_method(call, "VolumeDriver.Remove")) return remove_volume(name, path, err);
    if (is_method(call, "VolumeDriver.Unmount")) return DAVIT_OK;
    return ask_volume(call, root, name, path, err);
}

/* What this driver needs to know is one path, which the host keeps until close() has returned: so that is `self`. */
static int32_t my_driver_open(const davit_host* host, davit_str config, void** self, davit_error* err) {
    const char* root = NULL;
    if (memchr(config.data, '"', config.len) != NULL)
        return fail(err, DAVIT_INVALID, 0, "this driver has no configuration, but got %.*s", (int)config.len,
                    config.data);
    if (DAVIT_HAS(host, davit_host, query) && host->query != NULL)
        root = host->query(host->ctx, DAVIT_HOST_STATE_DIRECTORY);
    if (root == NULL) return fail(err, DAVIT_UNAVAILABLE, 0, "the host has no directory to keep volumes in");
    if (strlen(root) + MAX_NAME + 2 > MAX_PATH) return fail(err, DAVIT_INVALID, 0, "%s: too long a path", root);
    *self = (void*)root;
    return DAVIT_OK;
}

static void my_driver_close(void* self) { (void)self; }

static const davit_driver my_driver_driver = {
    sizeof(davit_driver), DAVIT_VOLUME,    "my_driver",    "volumes as plain directories",
    my_driver_open,       my_driver_close, my_driver_call, NULL};
static const davit_driver* const drivers[] = {&my_driver_driver, NULL};
static const davit_plugin plugin = {DAVIT_PLUGIN_MAGIC,   DAVIT_ABI_MAJOR, DAVIT_ABI_MINOR, 0,
                                    sizeof(davit_plugin), "my_driver",     "1.0",           "me",
                                    "Apache-2.0",         drivers};

const davit_plugin* davit_plugin_entry(void) { return &plugin; }
