// NameTables: the names of all sandboxes by network, and what one of them sees of it. One thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "resolver/names.hpp"

namespace davit::resolver {

/// ASCII letters only, as names of the DNS compare.
[[nodiscard]] std::string lowered(std::string_view text);

class NameTables {
  public:
    /// Adds a sandbox or replaces what was known of it.
    void set(SandboxNames names);
    /// Without effect when there is none.
    void remove(const std::string& id);
    /// Null when there is none; valid until the next change.
    [[nodiscard]] const SandboxNames* find(const std::string& id) const;
    [[nodiscard]] std::vector<std::string> ids() const;
    [[nodiscard]] bool empty() const noexcept { return sandboxes_.empty(); }

    struct Found {
        bool known = false;  ///< the name is somebody's, if only with addresses of the other family
        std::vector<IpAddress> addresses;
    };
    /// `name` is lower case without a dot at its end: a name or link on any of the sandbox's networks, or NAME.NETWORK.
    [[nodiscard]] Found resolve(const SandboxNames& asking, std::string_view name, IpFamily family) const;
    /// "NAME.NETWORK" of an address on one of the sandbox's networks; empty: nobody's.
    [[nodiscard]] std::string nameOf(const SandboxNames& asking, const IpAddress& address) const;

  private:
    struct Network {
        std::map<std::string, std::vector<IpAddress>, std::less<>> names;
        std::map<IpAddress, std::string> hosts;
    };
    enum class Through { links, names };
    void add(const Membership& membership);
    void take(const Membership& membership);
    /// Searches the sandbox's networks, or the one of that name.
    [[nodiscard]] Found search(const SandboxNames& asking, std::string_view name, std::string_view network_name, IpFamily family,
                               Through through) const;

    std::map<std::string, SandboxNames> sandboxes_;  ///< by id
    std::map<std::string, Network> networks_;        ///< by id
};

}  // namespace davit::resolver
