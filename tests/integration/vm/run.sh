#!/bin/bash
# run.sh BUILD_DIR RUNNER [ARG]... [-- TEST_FILE...]
#
# Runs a subset of the integration tests on another kernel: one with cgroup v2 and all its controllers, AppArmor and user
# namespaces. RUNNER is a command that boots such a machine and runs a command in it; it is called as
#
#     RUNNER ARG... --ro FOLDER -- COMMAND
#
# and must show FOLDER at the same path inside. The guest needs a Debian 12 userland with python3, iproute2 and nftables; the
# programs, the libraries they need, the docker CLI and the tests are in FOLDER.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 2 ] || { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2; }
build=$(readlink -e "$1")
shift
runner=() tests=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do runner+=("$1"); shift; done
[ $# -gt 0 ] && shift
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(test_cgroup_v2.py test_posture.py test_options.py)

stage=$(mktemp -d "${TMPDIR:-/var/tmp}/davit-vm-XXXXXX")
trap 'rm -rf "$stage"' EXIT
chmod 755 "$stage"
mkdir -p "$stage/build/bin" "$stage/build/plugins" "$stage/libraries" "$stage/tests/integration" "$stage/bin"
for program in davit davitd davit-shim davit-init davit-runtime davit-plugin-host syscall_probe socket_probe; do
  install -m 755 "$build/bin/$program" "$stage/build/bin/"
done
install -m 755 "$build"/plugins/*.so "$stage/build/plugins/"
ldd "$stage"/build/bin/davitd "$stage"/build/bin/davit-plugin-host "$stage"/build/plugins/*.so |
  awk '$2 == "=>" && $3 ~ /^\// && $1 !~ /^(libc|libm|libpthread|libdl|ld-linux)/ {print $3}' | sort -u | xargs -r cp -L -t "$stage/libraries"
cp -L "$(command -v docker)" "$stage/bin/docker"
cp -r "$here"/../{*.py,harness,posture} "$stage/tests/integration/"
cp -r "$here/../../tools" "$stage/tests/"
cp /usr/include/x86_64-linux-gnu/asm/unistd_64.h "$stage/"
cat >"$stage/inside.sh" <<INSIDE
#!/bin/bash
export LD_LIBRARY_PATH=$stage/libraries PATH=$stage/bin:\$PATH DAVIT_TEST_SLOW=\${DAVIT_TEST_SLOW:-20}
mkdir -p /usr/include/x86_64-linux-gnu/asm && cp $stage/unistd_64.h /usr/include/x86_64-linux-gnu/asm/
cd $stage/tests/integration && exec python3 run.py --build $stage/build ${tests[*]}
INSIDE
chmod 755 "$stage/inside.sh"
"${runner[@]}" --ro "$stage" -- "$stage/inside.sh"
