// Writes the flat blocks of plan.hpp: texts and lists are appended, structs refer to them by offset.
//
//     PlanBuilder builder;
//     plan::Launch launch;
//     launch.id = builder.text(id);
//     std::string block = std::move(builder).finish(launch);
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/plan.hpp"

namespace davit::runtime {

class PlanBuilder {
  public:
    PlanBuilder();

    /// The empty text is offset 0. Texts with NUL inside are Error{invalid}.
    [[nodiscard]] plan::Text text(std::string_view value);
    [[nodiscard]] plan::List texts(const std::vector<std::string>& values);
    /// Any bytes, as elements of `stride`.
    [[nodiscard]] plan::List bytes(std::string_view value, std::uint32_t stride = 1);

    template <typename Element>
    [[nodiscard]] plan::List list(const std::vector<Element>& elements) {
        const auto* begin = reinterpret_cast<const char*>(elements.data());
        return bytes({begin, elements.size() * sizeof(Element)}, sizeof(Element));
    }

    /// Puts the root struct in its place; the builder is used up.
    template <typename Root>
    [[nodiscard]] std::string finish(const Root& root) && {
        static_assert(sizeof(Root) <= kRootSpace);
        return std::move(*this).finishBytes({reinterpret_cast<const char*>(&root), sizeof root});
    }

  private:
    static constexpr std::size_t kRootSpace = 1024;
    [[nodiscard]] std::string finishBytes(std::string_view root) &&;
    std::string block_;
};

}  // namespace davit::runtime
