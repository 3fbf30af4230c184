#!/bin/bash
# run.sh BUILD_DIR RUNNER [ARG]... [-- TEST...]
#
# Runs a subset of the tests on another kernel: one with cgroup v2 and all its controllers, AppArmor and user namespaces. RUNNER
# is a command that boots such a machine, runs a command in it as root and throws the machine away; it is called as
#
#     RUNNER ARG... --ro FOLDER -- COMMAND
#
# and must show FOLDER at the same path inside. The guest needs a Debian 12 userland with python3, iproute2, nftables,
# apparmor, e2fsprogs, xfsprogs, runc and busybox-static; the programs, the libraries they need, the docker CLI and the tests are in
# FOLDER. A TEST is a file of tests/integration, in one word with options of run.py ("test_cgroup_v2.py -k memory"), which then are
# for all files, or the name of a unit test's program ("storage_drivers_test").
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 2 ] || { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2; }
build=$(readlink -e "$1")
shift
runner=() tests=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do runner+=("$1"); shift; done
[ $# -gt 0 ] && shift
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(test_cgroup_v2.py test_cgroup_v2_life.py test_apparmor.py test_posture.py test_vlan.py storage_drivers_test local_volume_test shim_test
  macvlan_driver_test ipvlan_driver_test)

stage=$(mktemp -d "${TMPDIR:-/var/tmp}/davit-vm-XXXXXX")
trap 'rm -rf "$stage"' EXIT
chmod 755 "$stage"
mkdir -p "$stage"/build/{bin,plugins} "$stage"/{libraries,bin,unit,tests/integration}
for program in davit davitd davit-shim davit-init davit-runtime davit-plugin-host davit-plugin-check davit-resolver davit-volume-mount syscall_probe socket_probe; do
  install -m 755 "$build/bin/$program" "$stage/build/bin/"
done
install -m 755 "$build"/plugins/*.so "$stage/build/plugins/"
files='' options='' units=''
for name in "${tests[@]}"; do
  case $name in
    *.py*) files="$files ${name%% *}" options="$options ${name#*.py}" ;;
    *) install -m 755 "$build/bin/$name" "$build/bin/davit-volume-mount" "$stage/unit/"; units="$units $name" ;;
  esac
done
{ find "$stage/build" "$stage/unit" -type f -exec ldd {} + 2>/dev/null || :; } | # fails for the static ones
  awk '$2 == "=>" && $3 ~ /^\// && $1 !~ /^(libc|libm|libpthread|libdl|ld-linux)/ {print $3}' | sort -u |
  xargs -r cp -L -t "$stage/libraries"
cp -L "$(command -v docker)" "$stage/bin/docker"
cp -r "$here"/../{*.py,harness,posture} "$stage/tests/integration/"
cp -r "$here/../../tools" "$stage/tests/"
cp /usr/include/x86_64-linux-gnu/asm/unistd_64.h "$stage/"
cat >"$stage/inside.sh" <<INSIDE
#!/bin/bash
# Driver hosts start with a clean environment: LD_LIBRARY_PATH would not reach them.
echo $stage/libraries >/etc/ld.so.conf.d/davit-tests.conf && ldconfig || exit 1
export PATH=$stage/bin:\$PATH DAVIT_TEST_SLOW=\${DAVIT_TEST_SLOW:-20} DAVIT_TEST_SCALE=\${DAVIT_TEST_SCALE:-20}
mkdir -p /usr/include/x86_64-linux-gnu/asm && cp $stage/unistd_64.h /usr/include/x86_64-linux-gnu/asm/ || exit 1
# Unit tests look for the programs where they were built.
[ -e $build ] || { mkdir -p $(dirname "$build") && ln -s $stage/build $build; } || exit 1
status=0
cd $stage/unit
for unit in $units; do
  echo "== \$unit"
  ./\$unit --log_level=message || status=1
done
cd $stage/tests/integration
[ -z "$files" ] || python3 run.py --build $stage/build $options $files || status=1
exit \$status
INSIDE
chmod 755 "$stage/inside.sh"
"${runner[@]}" --ro "$stage" -- "$stage/inside.sh"
