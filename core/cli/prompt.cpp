#include "cli/prompt.hpp"

#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.hpp"

namespace davit::cli {

bool confirmed(const std::string& question) {
    printOut(question + " [y/N] ");
    char* answer = nullptr;
    std::size_t size = 0;
    const ssize_t length = ::getline(&answer, &size, stdin);
    const bool agreed = length > 0 && (answer[0] == 'y' || answer[0] == 'Y') && (length == 1 || answer[1] == '\n');
    ::free(answer);
    return agreed;
}

}  // namespace davit::cli
