// The tar reader: every member's content is read to its end.
#include <array>

#include "archive/tar_reader.hpp"
#include "fuzz.hpp"

DAVIT_FUZZ(data, size) {
    davit::fuzz::Source source(data, size);
    davit::archive::TarReader reader(source);
    std::array<std::byte, 4096> buffer{};
    std::size_t total = 0;
    while (reader.next() != nullptr && total < (std::size_t{1} << 22)) {
        std::size_t count = 0;
        while (total < (std::size_t{1} << 22) && (count = reader.read(buffer)) != 0) total += count;
    }
}
