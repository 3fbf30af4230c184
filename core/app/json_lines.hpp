// JsonLines: on which line of a text a member stands, for messages about a configuration file.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace davit::app {

/// Lines, from 1, of the members of a JSON text that has been parsed successfully. Members of nested objects are named by
/// their path: "runtimes.runc".
class JsonLines {
  public:
    explicit JsonLines(std::string_view json);
    /// 0 when there is no such member.
    [[nodiscard]] int of(const std::string& path) const;

  private:
    std::map<std::string, int> lines_;
};

/// The line, from 1, of a byte offset.
[[nodiscard]] int lineAt(std::string_view text, std::size_t offset);

}  // namespace davit::app
