// The options of network drivers: JSON texts, in which clients write numbers and truths as words.
#pragma once

#include <string>

#include "driver/network_driver.hpp"

namespace davit {

/// The value of a JSON text that is a string; other scalars as their text; empty for absent options.
[[nodiscard]] std::string plainOption(const JsonOptions& options, const std::string& name);

/// The user's own options of CreateNetwork, as plain texts. Throws Error{invalid} when they are no object.
[[nodiscard]] Options userOptions(const JsonOptions& options);

/// `option` names the value in the Error{invalid} that these throw. Truths are written as Go's strconv reads them.
[[nodiscard]] bool readBool(const std::string& option, const std::string& value);
/// 0 is the kernel's.
[[nodiscard]] unsigned readMtu(const std::string& option, const std::string& value);
/// A name that may stand in a rule set and in a path: stricter than the kernel's own rule.
[[nodiscard]] std::string readLinkName(const std::string& option, const std::string& value);

/// An option whose absence means `fallback`.
[[nodiscard]] bool boolOption(const JsonOptions& options, const std::string& name, bool fallback);

/// True for what an id may be: twelve letters and digits at least.
[[nodiscard]] bool plainId(const std::string& id);

}  // namespace davit
