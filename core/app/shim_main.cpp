// davit-shim: see runtime/shim/shim.hpp. Started by davitd and davit-runtime, never by hand.
#include "runtime/shim/shim.hpp"

int main(int argc, char** argv) { return davit::shim::runShim(argc, argv); }
