// The members of config.json, listed once for reading and writing: `visit(visitor, value)` calls
// visitor("name", value.member) for each. Internal to runtime_spec_*.cpp.
#pragma once

#include "oci/runtime_spec.hpp"

namespace davit::oci {

template <typename V>
void visit(V& v, IdMap& m) {
    v("containerID", m.container_id), v("hostID", m.host_id), v("size", m.size);
}
template <typename V>
void visit(V& v, User& u) {
    v.always("uid", u.uid), v.always("gid", u.gid), v("umask", u.umask), v("additionalGids", u.additional_gids);
    v("username", u.username), v("groupNames", u.group_names);
}
template <typename V>
void visit(V& v, Rlimit& r) {
    v("type", r.type), v.always("hard", r.hard), v.always("soft", r.soft);
}
template <typename V>
void visit(V& v, Capabilities& c) {
    v("bounding", c.bounding), v("effective", c.effective), v("inheritable", c.inheritable);
    v("permitted", c.permitted), v("ambient", c.ambient);
}
template <typename V>
void visit(V& v, ConsoleSize& s) {
    v("height", s.height), v("width", s.width);
}
template <typename V>
void visit(V& v, Process& p) {
    v("terminal", p.terminal), v("consoleSize", p.console_size), v.always("user", p.user), v("args", p.args);
    v("env", p.env), v("cwd", p.cwd), v("capabilities", p.capabilities), v("rlimits", p.rlimits);
    v("noNewPrivileges", p.no_new_privileges), v("apparmorProfile", p.apparmor_profile);
    v("selinuxLabel", p.selinux_label), v("oomScoreAdj", p.oom_score_adj);
}
template <typename V>
void visit(V& v, Root& r) {
    v("path", r.path), v("readonly", r.readonly);
}
template <typename V>
void visit(V& v, Mount& m) {
    v("destination", m.destination), v("type", m.type), v("source", m.source), v("options", m.options);
    v("uidMappings", m.uid_mappings), v("gidMappings", m.gid_mappings);
}
template <typename V>
void visit(V& v, Namespace& n) {
    v("type", n.type), v("path", n.path);
}
template <typename V>
void visit(V& v, Device& d) {
    v("path", d.path), v("type", d.type), v.always("major", d.major), v.always("minor", d.minor);
    v("fileMode", d.file_mode), v("uid", d.uid), v("gid", d.gid);
}
template <typename V>
void visit(V& v, DeviceRule& r) {
    v.always("allow", r.allow), v("type", r.type), v("major", r.major), v("minor", r.minor), v("access", r.access);
}
template <typename V>
void visit(V& v, MemoryLimits& m) {
    v("limit", m.limit), v("reservation", m.reservation), v("swap", m.swap), v("kernelTCP", m.kernel_tcp);
    v("swappiness", m.swappiness), v("disableOOMKiller", m.disable_oom_killer);
}
template <typename V>
void visit(V& v, CpuLimits& c) {
    v("shares", c.shares), v("quota", c.quota), v("period", c.period), v("realtimeRuntime", c.realtime_runtime);
    v("realtimePeriod", c.realtime_period), v("cpus", c.cpus), v("mems", c.mems);
}
template <typename V>
void visitDeviceValue(V& v, BlockDeviceValue& d, const char* value_name) {
    v.always("major", d.major), v.always("minor", d.minor), v(value_name, d.value);
}
template <typename V>
void visit(V& v, BlockIoLimits& b) {
    v("weight", b.weight), v.named("weightDevice", b.weight_device, "weight");
    v.named("throttleReadBpsDevice", b.throttle_read_bps, "rate");
    v.named("throttleWriteBpsDevice", b.throttle_write_bps, "rate");
    v.named("throttleReadIOPSDevice", b.throttle_read_iops, "rate");
    v.named("throttleWriteIOPSDevice", b.throttle_write_iops, "rate");
}
template <typename V>
void visit(V& v, Resources& r) {
    v("devices", r.devices), v("memory", r.memory), v("cpu", r.cpu), v.pids(r.pids_limit), v("blockIO", r.block_io);
    v("unified", r.unified);
}
template <typename V>
void visit(V& v, SeccompArgument& a) {
    v.always("index", a.index), v.always("value", a.value), v("valueTwo", a.value_two), v("op", a.op);
}
template <typename V>
void visit(V& v, SeccompRule& r) {
    v("names", r.names), v("action", r.action), v("errnoRet", r.errno_ret), v("args", r.args);
}
template <typename V>
void visit(V& v, Seccomp& s) {
    v("defaultAction", s.default_action), v("defaultErrnoRet", s.default_errno_ret), v("architectures", s.architectures);
    v("flags", s.flags), v("syscalls", s.syscalls);
}
template <typename V>
void visit(V& v, Linux& l) {
    v("namespaces", l.namespaces), v("uidMappings", l.uid_mappings), v("gidMappings", l.gid_mappings);
    v("devices", l.devices), v("cgroupsPath", l.cgroups_path), v("resources", l.resources);
    v("rootfsPropagation", l.rootfs_propagation), v("seccomp", l.seccomp), v("sysctl", l.sysctl);
    v("maskedPaths", l.masked_paths), v("readonlyPaths", l.readonly_paths), v("mountLabel", l.mount_label);
}
template <typename V>
void visit(V& v, Hook& h) {
    v("path", h.path), v("args", h.args), v("env", h.env), v("timeout", h.timeout);
}
template <typename V>
void visit(V& v, Hooks& h) {
    v("prestart", h.prestart), v("createRuntime", h.create_runtime), v("createContainer", h.create_container);
    v("startContainer", h.start_container), v("poststart", h.poststart), v("poststop", h.poststop);
}
template <typename V>
void visit(V& v, RuntimeSpec& s) {
    v("ociVersion", s.oci_version), v("process", s.process), v("root", s.root), v("hostname", s.hostname);
    v("domainname", s.domainname), v("mounts", s.mounts), v("annotations", s.annotations), v("hooks", s.hooks);
    v("linux", s.os);
}

}  // namespace davit::oci
