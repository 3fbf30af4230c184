#include "oci/runtime_spec.hpp"

#include <limits>

#include "base/check.hpp"
#include "base/json.hpp"
#include "oci/runtime_spec_fields.hpp"

namespace davit::oci {
namespace {

using Texts = std::vector<std::string>;
using TextMap = std::map<std::string, std::string>;

/// Fills members from an object; absent ones keep their default.
class Reader {
  public:
    explicit Reader(json::Value object) : object_(object) {}

    template <typename T>
    void operator()(const char* name, T& member) {
        if (const json::Value value = object_[name]) read(value, member, name);
    }
    template <typename T>
    void always(const char* name, T& member) {
        (*this)(name, member);
    }
    void named(const char* name, std::vector<BlockDeviceValue>& member, const char* value_name) {
        for (const json::Value item : object_[name].array()) {
            Reader reader(item);
            visitDeviceValue(reader, member.emplace_back(), value_name);
        }
    }
    void pids(std::optional<std::int64_t>& limit) {
        if (const json::Value value = object_["pids"]) limit = value["limit"].integer();
    }

  private:
    static void read(const json::Value& value, std::string& member, const char*) { member = value.string(); }
    static void read(const json::Value& value, bool& member, const char*) { member = value.boolean(); }
    static void read(const json::Value& value, Texts& member, const char*) { member = value.strings(); }
    static void read(const json::Value& value, TextMap& member, const char*) { member = value.stringMap(); }
    template <std::signed_integral T>
    static void read(const json::Value& value, T& member, const char* name) {
        const std::int64_t number = value.integer();
        if (number < std::numeric_limits<T>::min() || number > std::numeric_limits<T>::max())
            throw error(Code::invalid, "{}: the number {} is out of range", name, number);
        member = static_cast<T>(number);
    }
    template <std::unsigned_integral T>
    static void read(const json::Value& value, T& member, const char* name) {
        const std::uint64_t number = value.unsignedInteger();
        if (number > std::numeric_limits<T>::max())
            throw error(Code::invalid, "{}: the number {} is out of range", name, number);
        member = static_cast<T>(number);
    }
    template <typename T>
    static void read(const json::Value& value, std::optional<T>& member, const char* name) {
        read(value, member.emplace(), name);
    }
    template <typename T>
    static void read(const json::Value& value, std::vector<T>& member, const char* name) {
        for (const json::Value item : value.array()) read(item, member.emplace_back(), name);
    }
    template <typename T>
        requires std::is_class_v<T>
    static void read(const json::Value& value, T& member, const char*) {
        Reader reader(value);
        visit(reader, member);
    }

    json::Value object_;
};

/// Writes members that aren't empty.
class Writer {
  public:
    explicit Writer(json::Writer& out) : out_(out) {}

    template <typename T>
    void operator()(const char* name, T& member) {
        if (!isEmpty(member)) always(name, member);
    }
    template <typename T>
    void always(const char* name, T& member) {
        out_.key(name);
        write(member);
    }
    void named(const char* name, std::vector<BlockDeviceValue>& member, const char* value_name) {
        if (member.empty()) return;
        out_.array(name, [&] {
            for (BlockDeviceValue& item : member) out_.object([&] { visitDeviceValue(*this, item, value_name); });
        });
    }
    void pids(std::optional<std::int64_t>& limit) {
        if (limit) out_.object("pids", [&] { out_.member("limit", *limit); });
    }

  private:
    static bool isEmpty(const std::string& text) { return text.empty(); }
    static bool isEmpty(const TextMap& map) { return map.empty(); }
    template <std::integral T>
    static bool isEmpty(T number) {
        return number == 0;
    }
    template <typename T>
    static bool isEmpty(const std::optional<T>& value) {
        return !value;
    }
    template <typename T>
    static bool isEmpty(const std::vector<T>& list) {
        return list.empty();
    }
    static bool isEmpty(const ConsoleSize& size) { return size.height == 0 && size.width == 0; }
    template <typename T>
        requires std::is_class_v<T>
    static bool isEmpty(const T&) {
        return false;
    }

    void write(std::string& text) { out_.value(text); }
    void write(Texts& texts) { out_.value(texts); }
    void write(TextMap& map) { out_.value(map); }
    template <std::integral T>
    void write(T number) {
        out_.value(number);
    }
    template <typename T>
    void write(std::optional<T>& value) {
        write(*value);
    }
    template <typename T>
    void write(std::vector<T>& list) {
        out_.array([&] {
            for (T& item : list) write(item);
        });
    }
    template <typename T>
        requires std::is_class_v<T>
    void write(T& value) {
        out_.object([&] { visit(*this, value); });
    }

    json::Writer& out_;
};

template <typename T>
std::string writeText(const T& value) {
    json::Writer out;
    T copy = value;  // the visitors take members by reference, for reading
    Writer writer(out);
    out.object([&] { visit(writer, copy); });
    return out.take();
}

}  // namespace

RuntimeSpec parseRuntimeSpec(std::string_view text) {
    const json::Document document = json::Document::parse(text);
    RuntimeSpec spec;
    if (!document.root()["ociVersion"]) throw error(Code::invalid, "config.json: ociVersion is missing");
    Reader reader(document.root());
    visit(reader, spec);
    return spec;
}

Process parseProcess(std::string_view text) {
    const json::Document document = json::Document::parse(text);
    Process process;
    Reader reader(document.root());
    visit(reader, process);
    return process;
}

std::string writeRuntimeSpec(const RuntimeSpec& spec) { return writeText(spec); }
std::string writeProcess(const Process& process) { return writeText(process); }

}  // namespace davit::oci
