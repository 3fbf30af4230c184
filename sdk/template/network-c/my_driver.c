/* my_driver: networks whose containers get no interface from the driver, only a loopback. Start from here: a driver that makes links
 * creates them in NetworkDriver.CreateEndpoint, names the link in NetworkDriver.Join (InterfaceName.SrcName; the engine moves it into
 * the container) and removes it in NetworkDriver.DeleteEndpoint.
 *
 * Any method is called from any thread, several at a time, and may be repeated when the caller lost the answer. What a method answered
 * for must still be known after the process was killed; this driver has nothing to remember. `davit plugin check` tests that. */
#include <davit/plugin.h>
#include <stdio.h>
#include <string.h>

/* A method and what it answers. A driver that looks at its requests has a function here, and a JSON library. */
struct method {
    const char* name;
    const char* reply;
};

static const struct method methods[] = {
    /* NoInterface: drop it when Join gives a link. */
    {"NetworkDriver.GetCapabilities", "{\"Scope\":\"local\",\"NoInterface\":true}"},
    {"NetworkDriver.CreateNetwork", "{}"},
    {"NetworkDriver.DeleteNetwork", "{}"},
    {"NetworkDriver.CreateEndpoint", "{}"}, /* Interface: only the addresses that the request left empty */
    {"NetworkDriver.EndpointOperInfo", "{\"Value\":{}}"},
    {"NetworkDriver.DeleteEndpoint", "{}"},
    {"NetworkDriver.Join", "{\"DisableGatewayService\":true}"},
    {"NetworkDriver.Leave", "{}"},
};

/* Fills the error and returns its code, so that a failure is one statement. */
static int32_t fail(davit_error* err, enum davit_code code, const char* text, davit_str what) {
    err->code = (int32_t)code;
    snprintf(err->message, err->message_cap, "%.*s: %s", (int)what.len, what.data, text);
    return (int32_t)code;
}

static int32_t my_driver_call(void* self, const davit_call* call, davit_error* err) {
    size_t i;
    (void)self;
    for (i = 0; i < sizeof methods / sizeof *methods; ++i) {
        const struct method* method = &methods[i];
        if (call->method.len != strlen(method->name) || memcmp(call->method.data, method->name, call->method.len) != 0)
            continue;
        call->reply->write(call->reply->ctx, method->reply, strlen(method->reply));
        return DAVIT_OK;
    }
    return fail(err, DAVIT_UNIMPLEMENTED, "not implemented by this driver", call->method);
}

static int32_t my_driver_open(const davit_host* host, davit_str config, void** self, davit_error* err) {
    (void)host;
    if (memchr(config.data, '"', config.len) != NULL)
        return fail(err, DAVIT_INVALID, "this driver has no configuration", config);
    *self = NULL;
    return DAVIT_OK;
}

static void my_driver_close(void* self) { (void)self; }

static const davit_driver my_driver_driver = {
    sizeof(davit_driver), DAVIT_NETWORK,   "my_driver",    "networks with a loopback only",
    my_driver_open,       my_driver_close, my_driver_call, NULL};
static const davit_driver* const drivers[] = {&my_driver_driver, NULL};
static const davit_plugin plugin = {DAVIT_PLUGIN_MAGIC,   DAVIT_ABI_MAJOR, DAVIT_ABI_MINOR, 0,
                                    sizeof(davit_plugin), "my_driver",     "1.0",           "me",
                                    "Apache-2.0",         drivers};

const davit_plugin* davit_plugin_entry(void) { return &plugin; }
