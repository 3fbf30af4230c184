#include "runtime/plan_builder.hpp"

#include <cstring>

#include "base/check.hpp"

namespace davit::runtime {

PlanBuilder::PlanBuilder() {
    block_.reserve(32768);
    block_.resize(sizeof(plan::Header) + kRootSpace);
}

plan::Text PlanBuilder::text(std::string_view value) {
    if (value.empty()) return {};
    if (value.find('\0') != std::string_view::npos) throw error(Code::invalid, "a text contains a NUL byte");
    const plan::Text reference{static_cast<std::uint32_t>(block_.size())};
    block_.append(value).push_back('\0');
    return reference;
}

plan::List PlanBuilder::texts(const std::vector<std::string>& values) {
    std::vector<plan::Text> references;
    references.reserve(values.size());
    for (const std::string& value : values) references.push_back(text(value));
    return list(references);
}

plan::List PlanBuilder::bytes(std::string_view value, std::uint32_t stride) {
    if (value.empty()) return {};
    block_.resize((block_.size() + 7) / 8 * 8);
    const auto offset = static_cast<std::uint32_t>(block_.size());
    block_.append(value);
    return {offset, static_cast<std::uint32_t>(value.size() / stride), stride};
}

std::string PlanBuilder::finishBytes(std::string_view root) && {
    block_.push_back('\0');
    plan::Header header;
    header.size = static_cast<std::uint32_t>(block_.size());
    header.root_size = static_cast<std::uint32_t>(root.size());
    std::memcpy(block_.data(), &header, sizeof header);
    std::memcpy(block_.data() + sizeof header, root.data(), root.size());
    return std::move(block_);
}

}  // namespace davit::runtime
