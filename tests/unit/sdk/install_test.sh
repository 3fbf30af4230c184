#!/bin/sh
# usage: install_test.sh BUILD_DIR CMAKE GENERATOR
# Installs the SDK to a temporary place, builds the examples there, and has the host load what was built.
# The templates and the volume rules are test_plugin_author's.
set -eu
build=$1 cmake=$2 generator=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --component sdk --prefix "$work/stage" > /dev/null
for part in examples/volume_cpp examples/volume_c; do
    "$cmake" -G "$generator" -S "$work/stage/share/davit/$part" -B "$work/$part" -DCMAKE_PREFIX_PATH="$work/stage" > /dev/null
    "$cmake" --build "$work/$part" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
done

for object in "$work"/examples/volume_cpp/plugins/dir.so "$work"/examples/volume_c/plugins/ram.so; do
    "$build/bin/davit-plugin-host" --probe "$object"
    exported=$(nm -D --defined-only "$object" | awk '{print $3}')
    [ "$exported" = davit_plugin_entry ] || { echo "$object exports more than its entry point: $exported"; exit 1; }
done
