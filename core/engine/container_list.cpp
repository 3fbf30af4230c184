#include <algorithm>
#include <charconv>

#include "base/check.hpp"
#include "base/log.hpp"
#include "engine/core.hpp"
#include "engine/links.hpp"
#include "runtime/apparmor.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::engine {
namespace {

const std::vector<std::string_view> kListFilters = {"ancestor", "before",  "exited",  "expose", "health",
                                                    "id",       "is-task", "isolation", "label", "name",
                                                    "network",  "publish", "since",   "status", "volume"};

/// The filters in a form that is cheap to apply to each container.
class ListQuery {
  public:
    ListQuery(const EngineCore& core, const ListOptions& options) : filters_(options.filters), limit_(options.limit) {
        filters_.allowOnly(kListFilters);
        for (const std::string& status : filters_.values("status"))
            if (!parseStatus(status)) throw error(Code::invalid, "invalid filter 'status={}'", status);
        for (const std::string& code : filters_.values("exited")) exited_.push_back(number("exited", code));
        if (filters_.has("before")) before_ = core.table.resolve(filters_.values("before")[0])->snapshot().created;
        if (filters_.has("since")) since_ = core.table.resolve(filters_.values("since")[0])->snapshot().created;
        for (const std::string& name : filters_.values("ancestor")) ancestors_.push_back(imageId(core, name));
        // Docker's rule of what is listed when nothing asks for more than the running ones.
        only_running_ = !options.all && options.limit <= 0 && !filters_.has("status") && !filters_.has("exited") &&
                        !before_ && !since_;
        if (filters_.has("is-task") && filters_.boolean("is-task", false)) nothing_ = true;
    }

    [[nodiscard]] bool accepts(const Container& container) const {
        if (nothing_ || (only_running_ && !container.state.running() && container.state.status != Status::restarting))
            return false;
        if (before_ && container.created >= *before_) return false;
        if (since_ && container.created <= *since_) return false;
        return filters_.matchFuzzyId(container.id) && acceptsName(container) && acceptsState(container) &&
               filters_.matchLabels("label", container.config->labels) && acceptsAncestor(container) &&
               acceptsNetwork(container) && acceptsVolume(container) && acceptsPorts(container);
    }
    [[nodiscard]] int limit() const noexcept { return limit_; }

  private:
    static int number(const char* filter, const std::string& text) {
        int value = 0;
        const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (bad != std::errc() || end != text.data() + text.size())
            throw error(Code::invalid, "invalid filter '{}={}'", filter, text);
        return value;
    }
    static std::string imageId(const EngineCore& core, const std::string& name) {
        try {
            return core.parts.images.resolve(name).id;
        } catch (const Error&) {  // as Docker: an image that isn't there has no containers
            return {};
        }
    }
    [[nodiscard]] bool acceptsName(const Container& container) const {
        return filters_.matchFuzzy("name", "/" + container.name) || filters_.matchFuzzy("name", container.name);
    }
    [[nodiscard]] bool acceptsState(const Container& container) const {
        if (!filters_.matchExact("status", statusName(container.state.status))) return false;
        if (!filters_.matchExact("health", "none")) return false;
        if (exited_.empty()) return true;
        return container.state.finished_at && !container.state.running() &&
               std::find(exited_.begin(), exited_.end(), container.state.exit_code) != exited_.end();
    }
    [[nodiscard]] bool acceptsAncestor(const Container& container) const {
        return ancestors_.empty() || std::find(ancestors_.begin(), ancestors_.end(), container.image_id) != ancestors_.end();
    }
    [[nodiscard]] bool acceptsNetwork(const Container& container) const {
        if (!filters_.has("network")) return true;
        return std::any_of(container.network.networks.begin(), container.network.networks.end(), [&](const auto& item) {
            return filters_.matchExact("network", item.first) || filters_.matchExact("network", item.second.network_id);
        });
    }
    [[nodiscard]] bool acceptsVolume(const Container& container) const {
        if (!filters_.has("volume")) return true;
        return std::any_of(container.mounts.begin(), container.mounts.end(), [&](const runtime::MountPoint& mount) {
            return filters_.matchExact("volume", mount.name.empty() ? mount.source : mount.name) ||
                   filters_.matchExact("volume", mount.destination);
        });
    }
    [[nodiscard]] bool acceptsPorts(const Container& container) const {
        const auto named = [&](const char* filter, const std::string& port) {
            return filters_.matchExact(filter, port) || filters_.matchExact(filter, port.substr(0, port.find('/')));
        };
        const auto& exposed = container.config->exposed_ports;
        const auto& published = container.host_config->port_bindings;
        return (!filters_.has("expose") ||
                std::any_of(exposed.begin(), exposed.end(), [&](const auto& port) { return named("expose", port); })) &&
               (!filters_.has("publish") || std::any_of(published.begin(), published.end(),
                                                        [&](const auto& item) { return named("publish", item.first); }));
    }

    Filters filters_;
    int limit_;
    std::vector<int> exited_;
    std::vector<std::string> ancestors_;
    std::optional<SystemTime> before_;
    std::optional<SystemTime> since_;
    bool only_running_ = false;
    bool nothing_ = false;
};

void addSize(const EngineCore& core, Container& container) {
    try {
        ContainerSize size;
        size.rw = core.parts.layers.writableSize(container.id);
        size.root_fs = core.parts.layers.rootSize(container.id);
        container.size = size;
    } catch (const Error& failure) {  // one damaged layer must not hide the container
        log::warning("container {}: size: {}", container.id, failure.text());
        container.size = ContainerSize{};
    }
}

}  // namespace

std::vector<Container> ContainerService::list(const ListOptions& options) const {
    const ListQuery query(core_, options);
    std::vector<Container> found;
    for (const EntryPtr& entry : core_.table.all())
        if (Container container = entry->snapshot(); query.accepts(container)) found.push_back(std::move(container));
    std::sort(found.begin(), found.end(), [](const Container& a, const Container& b) {
        return a.created != b.created ? a.created > b.created : a.id < b.id;
    });
    if (query.limit() > 0 && found.size() > static_cast<std::size_t>(query.limit())) found.resize(query.limit());
    if (options.size)
        for (Container& container : found) addSize(core_, container);
    return found;
}

Container ContainerService::inspect(const std::string& ref, bool size) const {
    Container container = core_.table.resolve(ref)->snapshot();
    if (size) addSize(core_, container);
    if (!container.host_config->links.empty()) {
        auto host = *container.host_config;
        host.links = shownLinks(core_.table, container);
        container.host_config = std::make_shared<const runtime::HostConfig>(std::move(host));
    }
    if (runtime::hostFacts().apparmor && container.state.started_at)
        container.apparmor_profile = runtime::appArmorProfileOf(*container.host_config);
    try {
        container.storage_data = core_.parts.layers.writableMetadata(container.id);
    } catch (const Error& failure) {
        log::debug("container {}: storage driver's data: {}", container.id, failure.text());
    }
    return container;
}

LogStream ContainerService::logs(const std::string& ref, const runtime::LogQuery& query) const {
    const Container container = core_.table.resolve(ref)->snapshot();
    if (!query.out && !query.err) throw Error(Code::invalid, "Bad parameters: you must choose at least one stream");
    if (container.log_path.empty()) throw Error(Code::unimplemented, "configured logging driver does not support reading");
    LogStream stream;
    stream.tty = container.config->tty;
    stream.running = container.state.running();
    stream.reader = std::make_unique<runtime::LogReader>(container.log_path, query);
    return stream;
}

}  // namespace davit::engine
