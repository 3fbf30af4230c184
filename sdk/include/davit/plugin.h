/* The boundary between the davit engine and a plugin: C99, one exported symbol, no library needed.
 *
 * A plugin is a shared object that exports davit_plugin_entry(). Its descriptor lists drivers; a driver is opened once and
 * then called with the messages of Docker's plugin protocol: a method name such as "VolumeDriver.Mount", the JSON that a
 * plugin server would get in the request body, and a place to write the JSON that it would answer. The same driver can be
 * served over HTTP by davit-plugin-host. C++ authors include <davit/sdk.hpp> and never see this file.
 *
 * Rules
 *   Memory     Who allocated it frees it. Everything passed in is borrowed until the function returns.
 *   Threads    Each function carries its tag: [once] one call at a time, on any thread; [any] any thread, concurrently.
 *              A thread lent to a function comes back with the same namespaces, working directory, umask, signal mask and
 *              credentials.
 *   Unwinding  No exception, longjmp or thread exit leaves a function.
 *   Errors     A function that can fail returns DAVIT_OK or another davit_code with `err` filled: what, object, cause.
 *   Fork       A driver may fork and exec at once; it doesn't fork and go on.
 *   Lifetime   The shared object is never unloaded. A newer file of the same driver is loaded beside it; the older one goes
 *              on serving what it already holds until it is closed.
 *   Config     The JSON object of the host's section for this driver. A driver refuses members that it doesn't know.
 *   JSON       Receivers ignore unknown members of messages; absent and null are the documented default; a member never
 *              changes its meaning. UTF-8.
 *
 * Versions: another DAVIT_ABI_MAJOR is refused. Within a major version structs only grow at their end; `size` says how much
 * of a struct its maker knows, so ask DAVIT_HAS() before reading a member that is newer than 1.0. Both directions work: an
 * old plugin in a new engine and a new plugin in an old engine. */
#ifndef DAVIT_PLUGIN_H
#define DAVIT_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DAVIT_PLUGIN_MAGIC 0x74697664u /* "dvit" in little-endian memory */
#define DAVIT_ABI_MAJOR 1u
#define DAVIT_ABI_MINOR 0u

/* True when the maker of *p knew `member`. */
#define DAVIT_HAS(p, type, member) ((p)->size >= offsetof(type, member) + sizeof(((type *)0)->member))

#if defined(__GNUC__)
#define DAVIT_EXPORT __attribute__((visibility("default")))
#else
#define DAVIT_EXPORT
#endif

enum davit_code {
    DAVIT_OK = 0,
    DAVIT_INVALID = 1,       /* the request is wrong */
    DAVIT_NOT_FOUND = 2,     /* the named thing doesn't exist */
    DAVIT_CONFLICT = 3,      /* the thing is in a state that forbids this */
    DAVIT_FORBIDDEN = 4,     /* refused whatever the state */
    DAVIT_UNIMPLEMENTED = 5, /* an optional method that this driver lacks; from open(): not for this host */
    DAVIT_UNAVAILABLE = 6,   /* something behind the driver doesn't answer */
    DAVIT_DEADLINE = 7,      /* took longer than the call's deadline */
    DAVIT_CANCELLED = 8,     /* the caller went away */
    DAVIT_SYSTEM = 9         /* a system call or an invariant failed */
};

enum davit_kind { DAVIT_STORAGE = 1, DAVIT_NETWORK = 2, DAVIT_IPAM = 3, DAVIT_VOLUME = 4 };

enum davit_log_level { DAVIT_LOG_DEBUG = 0, DAVIT_LOG_INFO = 1, DAVIT_LOG_WARNING = 2, DAVIT_LOG_ERROR = 3 };

/* Text that isn't NUL-terminated. */
typedef struct davit_str {
    const char *data;
    size_t len;
} davit_str;

/* The caller's buffer for a failure's text. The callee writes at most message_cap bytes with the terminating NUL and cuts
 * longer texts at a character's border. */
typedef struct davit_error {
    size_t size;
    int32_t code;      /* enum davit_code */
    int32_t sys_errno; /* the errno behind it, or 0 */
    size_t message_cap;
    char *message;
} davit_error;

/* read(): at least one and at most len bytes, 0 at the end, -errno on failure. One thread at a time. */
typedef struct davit_reader {
    void *ctx;
    int64_t (*read)(void *ctx, void *buf, size_t len);
} davit_reader;

/* write(): takes all len bytes and returns 0, or -errno. One thread at a time. */
typedef struct davit_writer {
    void *ctx;
    int64_t (*write)(void *ctx, const void *buf, size_t len);
} davit_writer;

/* One call. */
typedef struct davit_call {
    size_t size;
    uint32_t flags; /* 0 */
    davit_str method;
    davit_str request;          /* JSON object; empty means {} */
    const davit_writer *reply;  /* the reply's JSON goes here; nothing at all means {} */
    const davit_reader *body;   /* a raw stream to the driver (GraphDriver.ApplyDiff, VolumeDriver.Import), or NULL */
    const davit_writer *stream; /* a raw stream from the driver (GraphDriver.Diff, VolumeDriver.Export), or NULL */
    int64_t deadline_ms;        /* CLOCK_MONOTONIC in milliseconds, 0 = none: give up with DAVIT_DEADLINE after it */
    void *cancel_ctx;
    int (*cancelled)(void *cancel_ctx); /* [any] non-zero: the caller went away; NULL = never */
} davit_call;

/* What the host gives to a driver; valid until close() has returned. */
typedef struct davit_host {
    size_t size;
    void *ctx;
    const char *engine_version;
    void (*log)(void *ctx, int32_t level, davit_str text); /* [any] */
    const void *(*query)(void *ctx, const char *id);       /* [any] an extension of the host, "name/1", or NULL */
} davit_host;

/* An extension of the host: a const char *, the absolute path of a directory of mode 0700 that is this driver's alone and
 * outlives its process and a reboot. It exists when query() returns it. Absent: there is nowhere to keep anything. */
#define DAVIT_HOST_STATE_DIRECTORY "davit.state_directory/1"

typedef struct davit_driver {
    size_t size;
    int32_t kind; /* enum davit_kind */
    const char *name;
    const char *description; /* one line */
    /* [once] Sets *self. DAVIT_UNIMPLEMENTED: the driver can't work on this host, and err says why. */
    int32_t (*open)(const davit_host *host, davit_str config, void **self, davit_error *err);
    /* [once] The last call for `self`; no other call is under way. */
    void (*close)(void *self);
    /* [any] */
    int32_t (*call)(void *self, const davit_call *call, davit_error *err);
    /* [any] An extension of the driver, "name/1", or NULL. May itself be NULL. */
    const void *(*query)(void *self, const char *id);
} davit_driver;

typedef struct davit_plugin {
    uint32_t magic;     /* DAVIT_PLUGIN_MAGIC */
    uint32_t abi_major; /* DAVIT_ABI_MAJOR: these two never move */
    uint32_t abi_minor;
    uint32_t reserved; /* 0 */
    size_t size;
    const char *name;
    const char *version;
    const char *vendor;
    const char *license;                /* SPDX identifier */
    const davit_driver *const *drivers; /* NULL-terminated */
} davit_plugin;

/* [any] The plugin's one symbol. Returns static storage; allocates nothing, starts no thread, can't fail. */
DAVIT_EXPORT const davit_plugin *davit_plugin_entry(void);

#ifdef __cplusplus
}
#endif
#endif
