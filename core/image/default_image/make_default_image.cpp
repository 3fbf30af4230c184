// A tool of the build: makes the archive that default_image.cpp links in, from a static busybox.
//
//     make_default_image BUSYBOX OUTPUT
//
// The same busybox gives the same bytes. The result is what `docker save` would write, compressed with zstd.
#include <sys/stat.h>
#include <zstd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "archive/tar_writer.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "oci/digest.hpp"
#include "oci/image_config.hpp"

namespace davit {
namespace {

using archive::TarEntry;
using archive::TarWriter;

constexpr const char* kName = "davit/hello:latest";
constexpr std::size_t kMaxBusybox = 64U << 20;

constexpr const char* kGreeting = R"(#!/bin/sh
cat <<'END'

  Ahoy! This text comes from inside a container, so davit works on this machine.

  What has just happened:
    1. your client asked the daemon, davitd, over its socket for a container of the
       image davit/hello, which the daemon carries with it: nothing was downloaded;
    2. a storage driver stacked the image's layer and a fresh writable one;
    3. davit-shim made namespaces and a cgroup, mounted that stack as the root file
       system, dropped the privileges a container shouldn't have, and started this script;
    4. what it prints went through the shim to you, and into the container's log.

  Three things to try next:
    davit run -it davit/hello sh          look around in a container of your own
    davit run -d --name clock davit/hello sh -c 'while sleep 1; do date; done'
    davit logs -f clock                   then: davit rm -f clock

END
)";

class Buffer : public ByteSink {
  public:
    void write(std::span<const std::byte> data) override {
        text.append(reinterpret_cast<const char*>(data.data()), data.size());
    }
    std::string text;
};

/// One applet per line.
std::vector<std::string> appletsOf(const std::string& busybox) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(("'" + busybox + "' --list").c_str(), "r"), ::pclose);
    if (!pipe) throw Error::system("run " + busybox, errno);
    std::vector<std::string> applets;
    char line[128];
    while (std::fgets(line, sizeof line, pipe.get()) != nullptr) {
        std::string name = line;
        name.erase(name.find_last_not_of('\n') + 1);
        if (!name.empty() && name != "busybox") applets.push_back(name);
    }
    if (applets.size() < 50) throw error(Code::system, "{} --list: it names only {} applets", busybox, applets.size());
    return applets;
}

class RootTar {
  public:
    explicit RootTar(std::time_t time) : time_(time) {}

    void directory(const char* path, mode_t mode = 0755) {
        writer_.begin(entry(path, TarEntry::Kind::directory, mode));
    }
    void file(const char* path, std::string_view content, mode_t mode = 0644) {
        TarEntry member = entry(path, TarEntry::Kind::regular, mode);
        member.size = static_cast<std::int64_t>(content.size());
        writer_.begin(member);
        writer_.write(content);
    }
    void link(const std::string& path, const char* target) {
        TarEntry member = entry(path, TarEntry::Kind::symlink, 0777);
        member.link_target = target;
        writer_.begin(member);
    }
    std::string finish() {
        writer_.finish();
        return std::move(buffer_.text);
    }

  private:
    TarEntry entry(const std::string& path, TarEntry::Kind kind, mode_t mode) const {
        TarEntry member;
        member.path = path;
        member.kind = kind;
        member.mode = mode;
        member.mtime = {time_, 0};
        return member;
    }
    std::time_t time_;
    Buffer buffer_;
    TarWriter writer_{buffer_};
};

std::string rootTar(const std::string& busybox, std::time_t time) {
    RootTar tar(time);
    tar.directory("bin");
    tar.file("bin/busybox", readFile(busybox, kMaxBusybox).value(), 0755);
    tar.file("bin/hello", kGreeting, 0755);
    for (const std::string& applet : appletsOf(busybox)) tar.link("bin/" + applet, "busybox");
    for (const char* path : {"dev", "etc", "home", "proc", "sys", "usr", "usr/bin", "var", "var/log"})
        tar.directory(path);
    tar.file("etc/group", "root:x:0:\ndaemon:x:1:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n");
    tar.file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
    tar.file("etc/passwd",
             "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
             "www-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n");
    tar.file("etc/shadow", "root:*:::::::\n", 0600);
    tar.directory("root", 0700);
    tar.link("run", "var/run");
    tar.directory("tmp", 01777);
    tar.link("usr/bin/env", "../../bin/busybox");
    tar.directory("var/run");
    tar.directory("var/tmp", 01777);
    return tar.finish();
}

std::string architecture() {
#if defined(__x86_64__)
    return "amd64";
#elif defined(__aarch64__)
    return "arm64";
#elif defined(__riscv)
    return "riscv64";
#else
#error "name this architecture as Docker does"
#endif
}

std::string configJson(const std::string& layer, std::time_t time) {
    oci::ImageConfig config;
    config.architecture = architecture();
    config.os = "linux";
    config.created = SystemTime(std::chrono::seconds(time));
    config.config.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    config.config.cmd = std::vector<std::string>{"/bin/hello"};
    config.diff_ids = {oci::sha256(layer)};
    config.history = {
        {.created = config.created, .created_by = "busybox-static", .author = {}, .comment = "comes with davit"}};
    return oci::imageConfigJson(config);
}

std::string archiveOf(const std::string& layer, const std::string& config) {
    const std::string config_name = std::string(oci::digestHex(oci::sha256(config))) + ".json";
    const std::string layer_name = std::string(oci::digestHex(oci::sha256(layer))) + "/layer.tar";
    json::Writer manifest;
    manifest.array([&] {
        manifest.object([&] {
            manifest.member("Config", config_name).member("RepoTags", std::vector<std::string>{kName});
            manifest.member("Layers", std::vector<std::string>{layer_name});
        });
    });
    Buffer out;
    TarWriter tar(out);
    tar.add(config_name, config);
    tar.add(layer_name, layer);
    tar.add("manifest.json", manifest.text());
    tar.finish();
    return std::move(out.text);
}

std::string compressed(const std::string& data) {
    constexpr int kLevel = 19;
    std::string out(::ZSTD_compressBound(data.size()), '\0');
    const std::size_t size = ::ZSTD_compress(out.data(), out.size(), data.data(), data.size(), kLevel);
    if (::ZSTD_isError(size) != 0U) throw error(Code::system, "compress: {}", ::ZSTD_getErrorName(size));
    out.resize(size);
    return out;
}

std::time_t timeOf(const std::string& busybox) {
    if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH")) return std::strtoll(epoch, nullptr, 10);
    struct stat info {};
    check(::stat(busybox.c_str(), &info), "stat {}", busybox);
    return info.st_mtime;
}

}  // namespace
}  // namespace davit

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: make_default_image BUSYBOX OUTPUT\n", stderr);
        return 2;
    }
    try {
        const std::string busybox = argv[1];
        const std::time_t time = davit::timeOf(busybox);
        const std::string layer = davit::rootTar(busybox, time);
        davit::writeFileAtomically(argv[2], davit::compressed(davit::archiveOf(layer, davit::configJson(layer, time))),
                                   0644);
        return 0;
    } catch (const std::exception& failure) {  // main: the last place that can say it
        std::fprintf(stderr, "make_default_image: %s\n", failure.what());
        return 1;
    }
}
