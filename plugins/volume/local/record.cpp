#include "record.hpp"

#include "base/clock.hpp"
#include "base/json.hpp"

namespace davit::local {

std::string encode(const VolumeRecord& record) {
    json::Writer out;
    out.object([&] {
        out.member("Created", record.created).member("Options", record.options).member("Space", record.space);
        out.member("Size", record.limits.size).member("Inodes", record.limits.inodes);
        out.member("Source", record.source).member("Snapshot", record.snapshot).member("RenamedFrom", record.renamed_from);
    });
    return out.take();
}

VolumeRecord decode(std::string_view text) {
    const json::Document document = json::Document::parse(text);
    const json::Value root = document.root();
    VolumeRecord record{.options = root["Options"].stringMap(),
                        .created = root["Created"].string(),
                        .space = root["Space"].string(),
                        .limits = {.size = root["Size"].integer(), .inodes = root["Inodes"].integer()},
                        .source = root["Source"].string(),
                        .snapshot = root["Snapshot"].string(),
                        .renamed_from = root["RenamedFrom"].string()};
    if (!parseRfc3339(record.created)) throw Error(Code::invalid, "no time of creation");
    if (record.limits.size < 0 || record.limits.inodes < 0) throw Error(Code::invalid, "a negative limit");
    if (parseOptions(record.options).foreign() != record.space.empty()) throw Error(Code::invalid, "its space doesn't fit its options");
    return record;
}

}  // namespace davit::local
