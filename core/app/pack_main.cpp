// davit-pack: writes the tree at a directory to standard output as a tar, for `davit plugin create`. A program of its own, because the client
// shall stay small: most of its runs need no archives.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "archive/pack.hpp"
#include "base/file.hpp"

namespace {

class OutputSink final : public davit::ByteSink {
  public:
    void write(std::span<const std::byte> data) override {
        davit::writeAll(STDOUT_FILENO, {reinterpret_cast<const char*>(data.data()), data.size()});
    }
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: davit-pack DIRECTORY > ARCHIVE\n");
        return 2;
    }
    (void)::signal(SIGPIPE, SIG_IGN);
    try {
        OutputSink out;
        davit::archive::packTree(davit::openFile(argv[1], O_RDONLY | O_DIRECTORY).get(), out);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        return 1;
    }
    return 0;
}
