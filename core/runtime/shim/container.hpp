// The container that this shim watches: its first process, exec'ed ones, control groups, exit facts.
#pragma once

#include <sys/types.h>

#include "runtime/launcher/launch.hpp"
#include "runtime/shim/io.hpp"
#include "runtime/shim_protocol.hpp"

namespace davit::shim {

/// An exec under way by an external runtime's command (external.hpp).
struct ExternalExec {
    pid_t command = 0;  ///< 0: none; then the rest doesn't count
    int console = -1;   ///< listens for the terminal
    int failures = -1;
    uint32_t number = 0;  ///< of the console's name
    unsigned short rows = 0;
    unsigned short columns = 0;
};

/// An exec'ed process.
struct ExecProcess {
    Watch channel;  // first: a Watch* is an ExecProcess*; its start's progress
    ExecProcess* next = nullptr;
    Io io;
    launcher::Child child;
    int client = -1;  ///< attached when the terminal's master is known
    plan::Client client_options;
    char id[protocol::kIdLength] = {};
    unsigned char keys[64] = {};
    int streams[3] = {-1, -1, -1};  ///< our ends while it starts
    uint32_t serial = 0;            ///< of the request that waits for the start
    int requester = -1;             ///< its control connection
    bool running = false;
    bool open_stdin = false;
    bool replied = false;
    ExternalExec external;
};

struct ContainerState {
    char* id = nullptr;
    char* run_dir = nullptr;
    char** cgroups = nullptr;
    uint32_t cgroup_count = 0;
    char* oom_file = nullptr;
    char* freeze_file = nullptr;
    bool freeze_v2 = false;
    uint64_t namespaces = 0;
    launcher::Child init;
    Io io;
    LogWriter log;
    ExecProcess* execs = nullptr;
    bool running = false;
    bool paused = false;
    bool cleaned = false;
    int exit_code = 0;
    bool oom = false;
    int64_t started_ns = 0;
    int64_t finished_ns = 0;
};

extern ContainerState g_container;

int64_t wallClock();

/// What a shim is told to do.
struct Assignment {
    const plan::View& view;
    const plan::Launch& launch;
    int plan_file;
    launcher::Fd* clients;  ///< of launch.clients, in order
    uint32_t client_count;
};

/// Starts the container; a process that waits in g_container.init becomes its first. False: g_failure says why and nothing of it
/// is left.
bool startContainer(const Assignment& what);

/// Takes what has exited; reports through control.hpp.
void reapChildren();

bool signalContainer(int signal);
bool freezeContainer(bool frozen);
/// After the exit: kills what is left, removes control groups and mounts. Idempotent.
void cleanUpContainer();

}  // namespace davit::shim
