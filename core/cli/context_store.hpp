// Contexts: named endpoints in <config dir>/contexts, in the files of Docker's context store (meta/*/meta.json and
// tls/*/docker/{ca,cert,key}.pem). A context is found by the name inside its meta.json; directories that davit makes
// carry the name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/config.hpp"

namespace davit::cli {

/// Where a daemon is and how to trust it.
struct Endpoint {
    std::string host = std::string(kDefaultHost);
    bool tls = false;
    bool skip_verify = false;
    std::string ca;  ///< files; empty: none
    std::string cert;
    std::string key;
};

struct Context {
    std::string name;
    std::string description;
    Endpoint endpoint;
    std::string meta_path;  ///< "<IN MEMORY>" for the default context
    std::string tls_path;
    std::string error;  ///< why it can't be used; else empty
};

class ContextStore {
  public:
    ContextStore(const GlobalOptions& options, const ConfigFile& config) : options_(options), config_(config) {}

    /// The context in force: --host, --context, $DAVIT_HOST or $DOCKER_HOST, $DOCKER_CONTEXT, currentContext,
    /// "default". Throws Error{invalid} when --host and --context contradict.
    [[nodiscard]] std::string currentName() const;
    [[nodiscard]] Context current() const;

    /// All, "default" first, then by name.
    [[nodiscard]] std::vector<Context> list() const;
    /// Throws Error{not_found} `context "x": context not found: …`.
    [[nodiscard]] Context get(const std::string& name) const;
    [[nodiscard]] bool exists(const std::string& name) const;

    /// Writes (or replaces) a context; the TLS files of its endpoint are copied into the store.
    void save(const Context& context) const;
    void remove(const std::string& name) const;

    /// Throws Error{invalid} for a name that can't be a context's.
    static void validateName(const std::string& name);

  private:
    [[nodiscard]] Context defaultContext() const;
    [[nodiscard]] std::string root() const { return config_.directory() + "/contexts"; }

    const GlobalOptions& options_;
    const ConfigFile& config_;
};

}  // namespace davit::cli
