// davit: the command-line client.
#include <string>
#include <vector>

#include "cli/cli.hpp"

int main(int argc, char** argv) { return davit::cli::runCli(std::vector<std::string>(argv + 1, argv + argc)); }
