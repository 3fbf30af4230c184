/* my_driver: a layer is a directory with a full copy of its parent's. Start from here: a driver whose layers share data makes them in
 * make_tree() and mounts them in get_layer().
 *
 *     <home>/ID/root/     the layer's tree; a layer is there when its directory is
 *
 * Any method is called from any thread, several at a time, and may be repeated when the caller lost the answer. The process may be
 * killed at any instruction: a layer appears and disappears by one rename. `davit plugin check` tests all of that. */
#define _XOPEN_SOURCE 700 /* nftw() */
#include <davit/plugin.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ID 200
#define MAX_PATH 4096

extern char** environ;

/* A layer that somebody got. */
struct user {
    struct user* next;
    char id[MAX_ID];
    unsigned count;
};

struct my_driver {
    pthread_mutex_t mutex; /* layers come and go, and are counted, one after the other; copies run side by side */
    char home[MAX_PATH - 2 * MAX_ID];
    unsigned drafts;
    struct user* users;
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

/* Copies a string member. Escapes other than \" \\ and \/ are refused, which ids and usual paths never need. */
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

/* A string with its quotes. Texts were checked, so that quotes and backslashes are all that can need an escape. */
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

/* An id becomes one path component, and none of the driver's own. */
static int is_good_id(const char* id) {
    const char* at;
    for (at = id; *at != '\0'; ++at)
        if (*at == '/' || (unsigned char)*at < 0x20) return 0;
    return *id != '\0' && *id != '.';
}

static void path_of(const struct my_driver* driver, const char* id, const char* suffix, char* path) {
    snprintf(path, MAX_PATH, "%s/%s%s", driver->home, id, suffix);
}

static int is_there(const struct my_driver* driver, const char* id) {
    char path[MAX_PATH];
    struct stat status;
    path_of(driver, id, "/root", path);
    return stat(path, &status) == 0;
}

static int remove_entry(const char* path, const struct stat* status, int type, struct FTW* place) {
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static int remove_tree(const char* path) { return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 || errno == ENOENT ? 0 : -1; }

/* cp(1) knows owners, links, devices and extended attributes, and shares blocks where the file system can. */
static int copy_tree(const char* from, const char* to) {
    char source[MAX_PATH + 3];
    char* arguments[] = {"cp", "-a", "--reflink=auto", "--", source, (char*)to, NULL};
    pid_t child, ended;
    int status = 0;
    snprintf(source, sizeof source, "%s/.", from);
    if ((errno = posix_spawnp(&child, "cp", NULL, NULL, arguments, environ)) != 0) return -1;
    while ((ended = waitpid(child, &status, 0)) < 0 && errno == EINTR) {}
    if (ended == child && status == 0) return 0;
    errno = EIO; /* what cp says is in the log */
    return -1;
}

static int make_tree(const struct my_driver* driver, const char* tree, const char* parent) {
    char from[MAX_PATH];
    if (mkdir(tree, 0755) != 0) return -1;
    if (*parent == '\0') return chmod(tree, 0755);
    path_of(driver, parent, "/root", from);
    return copy_tree(from, tree);
}

/* A name that nobody has: a copy of an earlier life may still be under way in another. */
static void fresh_path(struct my_driver* driver, const char* prefix, char* path) {
    unsigned number;
    pthread_mutex_lock(&driver->mutex);
    number = ++driver->drafts;
    pthread_mutex_unlock(&driver->mutex);
    snprintf(path, MAX_PATH, "%s/%s%ld-%ld-%u", driver->home, prefix, (long)getpid(), (long)time(NULL), number);
}

static struct user** find_user(struct my_driver* driver, const char* id) {
    struct user** place = &driver->users;
    while (*place != NULL && strcmp((*place)->id, id) != 0) place = &(*place)->next;
    return place;
}

static int32_t init(struct my_driver* driver, const davit_call* call, davit_error* err) {
    DIR* directory;
    struct dirent* entry;
    char path[MAX_PATH];
    const char* options = find_value(call->request, "Opts");
    if (options != NULL && *options == '[' && memchr(options, '"', strcspn(options, "]")) != NULL)
        return fail(err, DAVIT_INVALID, 0, "there are no options");
    if (find_string(call->request, "Home", driver->home, sizeof driver->home) != 0 || *driver->home != '/')
        return fail(err, DAVIT_INVALID, 0, "no absolute Home in the request");
    if (mkdir(driver->home, 0700) != 0 && errno != EEXIST)
        return fail(err, DAVIT_SYSTEM, errno, "create %s: %s", driver->home, strerror(errno));
    directory = opendir(driver->home);
    if (directory == NULL) return fail(err, DAVIT_SYSTEM, errno, "open %s: %s", driver->home, strerror(errno));
    while ((entry = readdir(directory)) != NULL) { /* what a kill cut off */
        if (entry->d_name[0] != '.' || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        path_of(driver, entry->d_name, "", path);
        remove_tree(path);
    }
    closedir(directory);
    return DAVIT_OK;
}

static int32_t create_layer(struct my_driver* driver, const davit_call* call, const char* id, davit_error* err) {
    char parent[MAX_ID] = "", draft[MAX_PATH], tree[MAX_PATH + 5], layer[MAX_PATH];
    int taken, saved;
    if (has_members(call->request, "StorageOpt")) return fail(err, DAVIT_INVALID, 0, "there are no storage options");
    if (find_value(call->request, "Parent") != NULL && find_string(call->request, "Parent", parent, sizeof parent) != 0)
        return fail(err, DAVIT_INVALID, 0, "Parent is no id");
    if (*parent != '\0' && (!is_good_id(parent) || !is_there(driver, parent)))
        return fail(err, DAVIT_NOT_FOUND, 0, "layer %s: no such layer", parent);
    fresh_path(driver, ".new-", draft);
    snprintf(tree, sizeof tree, "%s/root", draft);
    path_of(driver, id, "", layer);
    if (mkdir(draft, 0700) != 0 || make_tree(driver, tree, parent) != 0) {
        saved = errno;
        remove_tree(draft);
        return fail(err, DAVIT_SYSTEM, saved, "make layer %s: %s", id, strerror(saved));
    }
    pthread_mutex_lock(&driver->mutex);
    taken = is_there(driver, id);
    saved = !taken && rename(draft, layer) != 0 ? errno : 0;
    pthread_mutex_unlock(&driver->mutex);
    if (!taken && saved == 0) return DAVIT_OK;
    remove_tree(draft);
    if (taken) return fail(err, DAVIT_CONFLICT, 0, "layer %s exists", id);
    return fail(err, DAVIT_SYSTEM, saved, "make layer %s: %s", id, strerror(saved));
}

static int32_t remove_layer(struct my_driver* driver, const char* id, davit_error* err) {
    char layer[MAX_PATH], gone[MAX_PATH];
    int used, moved;
    path_of(driver, id, "", layer);
    fresh_path(driver, ".gone-", gone);
    pthread_mutex_lock(&driver->mutex);
    used = *find_user(driver, id) != NULL;
    moved = !used && rename(layer, gone) == 0;
    pthread_mutex_unlock(&driver->mutex);
    if (used) return fail(err, DAVIT_CONFLICT, 0, "layer %s is in use", id);
    if (moved && remove_tree(gone) != 0) return fail(err, DAVIT_SYSTEM, errno, "remove %s: %s", gone, strerror(errno));
    return DAVIT_OK; /* one that isn't there is removed already */
}

/* A driver that mounts does so for the first user, and unmounts after the last. */
static int32_t get_layer(struct my_driver* driver, const davit_call* call, const char* id, davit_error* err) {
    char path[MAX_PATH];
    struct user** place;
    int there, counted = 0;
    pthread_mutex_lock(&driver->mutex);
    place = find_user(driver, id);
    there = is_there(driver, id);
    if (there) {
        if (*place == NULL && (*place = calloc(1, sizeof **place)) != NULL) strcpy((*place)->id, id);
        if (*place != NULL) counted = ++(*place)->count > 0;
    }
    pthread_mutex_unlock(&driver->mutex);
    if (!there) return fail(err, DAVIT_NOT_FOUND, 0, "layer %s: no such layer", id);
    if (!counted) return fail(err, DAVIT_SYSTEM, 0, "no memory");
    path_of(driver, id, "/root", path);
    put(call, "{\"Dir\":");
    put_string(call, path);
    put(call, "}");
    return DAVIT_OK;
}

static int32_t put_layer(struct my_driver* driver, const char* id, davit_error* err) {
    struct user** place;
    int found;
    pthread_mutex_lock(&driver->mutex);
    place = find_user(driver, id);
    found = *place != NULL;
    if (found && --(*place)->count == 0) {
        struct user* last = *place;
        *place = last->next;
        free(last);
    }
    pthread_mutex_unlock(&driver->mutex);
    return found ? DAVIT_OK : fail(err, DAVIT_NOT_FOUND, 0, "layer %s isn't in use", id);
}

static int32_t list_layers(struct my_driver* driver, const davit_call* call, davit_error* err) {
    DIR* directory = opendir(driver->home);
    struct dirent* entry;
    const char* comma = "";
    if (directory == NULL) return fail(err, DAVIT_SYSTEM, errno, "open %s: %s", driver->home, strerror(errno));
    put(call, "{\"IDs\":[");
    while ((entry = readdir(directory)) != NULL) {
        if (!is_good_id(entry->d_name)) continue;
        put(call, comma);
        put_string(call, entry->d_name);
        comma = ",";
    }
    put(call, "]}");
    closedir(directory);
    return DAVIT_OK;
}

/* The methods of one layer. */
static int32_t call_layer(struct my_driver* driver, const davit_call* call, davit_error* err) {
    char id[MAX_ID], path[MAX_PATH];
    if (find_string(call->request, "ID", id, sizeof id) != 0 || !is_good_id(id))
        return fail(err, DAVIT_INVALID, 0, "no layer's id in the request");
    if (is_method(call, "GraphDriver.Create") || is_method(call, "GraphDriver.CreateReadWrite")) return create_layer(driver, call, id, err);
    if (is_method(call, "GraphDriver.Remove")) return remove_layer(driver, id, err);
    if (is_method(call, "GraphDriver.Get")) return get_layer(driver, call, id, err);
    if (is_method(call, "GraphDriver.Put")) return put_layer(driver, id, err);
    if (is_method(call, "GraphDriver.Exists")) {
        put(call, is_there(driver, id) ? "{\"Exists\":true}" : "{\"Exists\":false}");
        return DAVIT_OK;
    }
    if (!is_there(driver, id)) return fail(err, DAVIT_NOT_FOUND, 0, "layer %s: no such layer", id);
    path_of(driver, id, "/root", path);
    put(call, "{\"Metadata\":{\"Directory\":");
    put_string(call, path);
    put(call, "}}");
    return DAVIT_OK;
}

static int32_t my_driver_call(void* self, const davit_call* call, davit_error* err) {
    static const char* const of_layers[] = {"GraphDriver.Create", "GraphDriver.CreateReadWrite", "GraphDriver.Remove", "GraphDriver.Get",
                                            "GraphDriver.Put",    "GraphDriver.Exists",          "GraphDriver.GetMetadata"};
    struct my_driver* driver = self;
    size_t i;
    if (is_method(call, "GraphDriver.Init")) return init(driver, call, err);
    if (is_method(call, "GraphDriver.List")) return list_layers(driver, call, err);
    if (is_method(call, "GraphDriver.Cleanup")) return DAVIT_OK;
    if (is_method(call, "GraphDriver.Capabilities")) {
        put(call, "{\"Capabilities\":{\"List\":true}}");
        return DAVIT_OK;
    }
    if (is_method(call, "GraphDriver.Status")) {
        put(call, "{\"Status\":[[\"Home\",");
        put_string(call, driver->home);
        put(call, "]]}");
        return DAVIT_OK;
    }
    for (i = 0; i < sizeof of_layers / sizeof *of_layers; ++i)
        if (is_method(call, of_layers[i])) return call_layer(driver, call, err);
    return fail(err, DAVIT_UNIMPLEMENTED, 0, "%.*s: not implemented by this driver", (int)call->method.len, call->method.data);
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
    while (driver->users != NULL) {
        struct user* first = driver->users;
        driver->users = first->next;
        free(first);
    }
    pthread_mutex_destroy(&driver->mutex);
    free(driver);
}

static const davit_driver my_driver_driver = {
    sizeof(davit_driver), DAVIT_STORAGE,   "my_driver",    "each layer a full copy",
    my_driver_open,       my_driver_close, my_driver_call, NULL};
static const davit_driver* const drivers[] = {&my_driver_driver, NULL};
static const davit_plugin plugin = {DAVIT_PLUGIN_MAGIC,   DAVIT_ABI_MAJOR, DAVIT_ABI_MINOR, 0,
                                    sizeof(davit_plugin), "my_driver",     "1.0",           "me",
                                    "Apache-2.0",         drivers};

const davit_plugin* davit_plugin_entry(void) { return &plugin; }
