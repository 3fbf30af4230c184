#include "cli/line_reader.hpp"

namespace davit::cli {

void forEachLine(ByteSource& source, const std::function<void(const std::string&)>& line) {
    std::string rest;
    std::byte buffer[16 * 1024];
    while (const std::size_t size = source.read(buffer)) {
        rest.append(reinterpret_cast<const char*>(buffer), size);
        std::size_t begin = 0;
        for (std::size_t end; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1) {
            const std::string text = rest.substr(begin, end - begin);
            if (text.find_first_not_of(" \r\t") != std::string::npos) line(text);
        }
        rest.erase(0, begin);
    }
    if (rest.find_first_not_of(" \r\t") != std::string::npos) line(rest);
}

}  // namespace davit::cli
