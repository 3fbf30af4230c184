// Context: what handlers work with. Built once by ApiServer; every handler keeps a reference.
#pragma once

#include "engine/engine.hpp"
#include "http/server.hpp"

namespace davit::api {

struct Context {
    engine::Engine& engine;
    http::Server& server;
};

}  // namespace davit::api
