#!/bin/sh
# Prints a container's posture, one fact a line, in the same words on every kernel: what a kernel lacks counts as out of reach.
for key in CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp; do
  echo "status $key $(sed -n "s/^$key:[[:space:]]*//p" /proc/self/status)"
done
echo "ids $(id -u):$(id -g) groups $(id -G)"
echo "umask $(umask)"
echo "oom_score_adj $(cat /proc/1/oom_score_adj)"
echo "cwd $(pwd)"
env | grep -v -E '^(HOSTNAME|SHLVL|PWD|OLDPWD|_)=' | sort | sed 's/^/env /'
echo "fds $(ls /proc/self/fd | tr '\n' ' ')"

# A masked file is /dev/null, a masked folder an empty read-only tmpfs.
for path in /proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug /proc/scsi \
  /proc/timer_list /proc/timer_stats /sys/devices/virtual/powercap /sys/firmware; do
  if [ ! -e $path ]; then
    state=closed
  elif [ -d $path ]; then
    [ -z "$(ls $path)" ] && state=closed || state=open
    grep -q " $path tmpfs ro" /proc/mounts && state=closed
  else
    [ "$(stat -c '%F %t:%T' $path)" = "character special file 1:3" ] && state=closed || state=open
  fi
  echo "masked $path $state"
done
thermal=closed
for path in /sys/devices/system/cpu/cpu*/thermal_throttle; do
  [ -e "$path" ] && [ -n "$(ls "$path")" ] && thermal=open
done
echo "masked /sys/devices/system/cpu/cpu*/thermal_throttle $thermal"

for path in /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger; do
  if [ ! -e $path ] || grep -q " $path proc ro," /proc/mounts; then state=read-only; else state=writable; fi
  echo "readonly $path $state"
done

# Mount point, type and the options that matter; not the root's own, whose type is the storage driver's affair.
while read -r _ point type options _; do
  case $point in
    / | /proc/* | /sys/fs/cgroup | /sys/fs/cgroup/* | /sys/firmware | /sys/devices/*) ;;
    /etc/*) echo "mount $point" ;;
    *) echo "mount $point $type $(echo "$options" | tr , '\n' | grep -E '^(ro|rw|nosuid|noexec|nodev|mode=.*|ptmxmode=.*|gid=.*|size=.*)$' | sort | tr '\n' ' ')" ;;
  esac
done </proc/mounts | sort
echo "root $(grep ' / ' /proc/mounts | tail -n 1 | cut -d' ' -f4 | cut -d, -f1)"
echo "cgroup $(grep -q '^[^ ]* /sys/fs/cgroup[^ ]* cgroup2\{0,1\} rw' /proc/mounts && echo writable || echo read-only)"

for node in console fd full null ptmx random stderr stdin stdout tty urandom zero fuse mem kmsg; do
  path=/dev/$node
  if [ -L $path ]; then echo "dev $node -> $(readlink $path)"
  elif [ -e $path ]; then echo "dev $node $(stat -c '%F %t:%T %a' $path)"
  else echo "dev $node none"; fi
done

for sysctl in net/ipv4/ip_unprivileged_port_start net/ipv4/ping_group_range; do
  echo "sysctl $sysctl $(cat /proc/sys/$sysctl | tr '\t' ' ')"
done
