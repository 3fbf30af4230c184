#include "api/views/plugin_view.hpp"

namespace davit::api {

void writePlugin(json::Writer& out, const managed::Plugin& plugin) {
    out.object([&] {
        out.key("Config");
        managed::writeConfig(out, plugin.config);
        out.member("Enabled", plugin.enabled).member("Id", plugin.id).member("Name", plugin.name);
        out.member("PluginReference", plugin.name);
        out.key("Settings");
        managed::writeSettings(out, plugin.settings);
    });
}

}  // namespace davit::api
