/* A whole volume plugin in C99 with nothing but <davit/plugin.h>: every volume is a directory below
 * /run/davit-ram-volumes, which is a tmpfs on every usual host.
 *
 * It shows the three things that a C author does by hand and the C++ SDK does for others: finding the members of a
 * request, writing a reply with every character escaped, and filling the error. */
#include <davit/plugin.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "/run/davit-ram-volumes"
#define MAX_NAME 200

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

static void put_volume(const davit_call* call, const char* name) {
    put(call, "{\"Name\":");
    put_string(call, name);
    put(call, ",\"Mountpoint\":");
    {
        char path[sizeof ROOT + MAX_NAME + 2];
        snprintf(path, sizeof path, ROOT "/%s", name);
        put_string(call, path);
    }
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

static int32_t list_volumes(const davit_call* call, davit_error* err) {
    DIR* directory = opendir(ROOT);
    struct dirent* entry;
    const char* comma = "";
    if (directory == NULL) return fail(err, DAVIT_SYSTEM, errno, "open %s: %s", ROOT, strerror(errno));
    put(call, "{\"Volumes\":[");
    while ((entry = readdir(directory)) != NULL) {
        if (!is_good_name(entry->d_name)) continue;
        put(call, comma);
        put_volume(call, entry->d_name);
        comma = ",";
    }
    put(call, "]}");
    closedir(directory);
    return DAVIT_OK;
}

/* The methods that need an existing volume. */
static int32_t ask_volume(const davit_call* call, const char* name, const char* path, davit_error* err) {
    struct stat status;
    if (stat(path, &status) != 0) return fail(err, DAVIT_NOT_FOUND, 0, "volume %s: no such volume", name);
    if (is_method(call, "VolumeDriver.Get")) {
        put(call, "{\"Volume\":");
        put_volume(call, name);
        put(call, "}");
    } else {
        put(call, "{\"Mountpoint\":");
        put_string(call, path);
        put(call, "}");
    }
    return DAVIT_OK;
}

static int32_t ram_call(void* self, const davit_call* call, davit_error* err) {
    char name[MAX_NAME];
    char path[sizeof ROOT + MAX_NAME + 2];
    (void)self;
    if (is_method(call, "VolumeDriver.List")) return list_volumes(call, err);
    if (is_method(call, "VolumeDriver.Capabilities")) {
        put(call, "{\"Capabilities\":{\"Scope\":\"local\"}}");
        return DAVIT_OK;
    }
    if (find_string(call->request, "Name", name, sizeof name) != 0 || !is_good_name(name))
        return fail(err, DAVIT_INVALID, 0, "no volume name in the request");
    snprintf(path, sizeof path, ROOT "/%s", name);
    if (is_method(call, "VolumeDriver.Create")) {
        if (has_members(call->request, "Opts"))
            return fail(err, DAVIT_INVALID, 0, "volume %s: there are no options", name);
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            return fail(err, DAVIT_SYSTEM, errno, "create %s: %s", path, strerror(errno));
        return DAVIT_OK;
    }
    if (is_method(call, "VolumeDriver.Remove")) {
        /* Only an empty volume is removed: this is an example, and it deletes nobody's files. */
        if (rmdir(path) != 0 && errno != ENOENT)
            return fail(err, DAVIT_CONFLICT, errno, "remove volume %s: %s", name, strerror(errno));
        return DAVIT_OK;
    }
    if (is_method(call, "VolumeDriver.Unmount")) return DAVIT_OK;
    if (is_method(call, "VolumeDriver.Get") || is_method(call, "VolumeDriver.Path") ||
        is_method(call, "VolumeDriver.Mount"))
        return ask_volume(call, name, path, err);
    return fail(err, DAVIT_UNIMPLEMENTED, 0, "%.*s: not implemented by this driver", (int)call->method.len,
                call->method.data);
}

static int32_t ram_open(const davit_host* host, davit_str config, void** self, davit_error* err) {
    static const char text[] = "volumes live in " ROOT;
    if (memchr(config.data, '"', config.len) != NULL)
        return fail(err, DAVIT_INVALID, 0, "this driver has no configuration, but got %.*s", (int)config.len,
                    config.data);
    if (mkdir(ROOT, 0711) != 0 && errno != EEXIST)
        return fail(err, DAVIT_SYSTEM, errno, "create %s: %s", ROOT, strerror(errno));
    if (DAVIT_HAS(host, davit_host, log) && host->log != NULL) {
        davit_str line = {text, sizeof text - 1};
        host->log(host->ctx, DAVIT_LOG_DEBUG, line);
    }
    *self = NULL;
    return DAVIT_OK;
}

static void ram_close(void* self) { (void)self; }

static const davit_driver ram_driver = {
    sizeof(davit_driver), DAVIT_VOLUME, "ram", "volumes in memory", ram_open, ram_close, ram_call, NULL};
static const davit_driver* const drivers[] = {&ram_driver, NULL};
static const davit_plugin plugin = {DAVIT_PLUGIN_MAGIC,   DAVIT_ABI_MAJOR, DAVIT_ABI_MINOR, 0,
                                    sizeof(davit_plugin), "ram",           "1.0",           "davit",
                                    "Apache-2.0",         drivers};

const davit_plugin* davit_plugin_entry(void) { return &plugin; }
