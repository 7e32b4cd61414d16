#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the tests need beyond wheels: installed with apt-get where we are root, else named in one apt-get line.
# Never fails: a test whose tool is missing skips visibly, or fails where CI=true.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

have() { command -v "$1" >/dev/null 2>&1; }

have_any() {
    local program
    for program in "$@"; do
        if have "$program"; then return 0; fi
    done
    return 1
}

# Of each line of tools.txt whose programs are all absent: the package.
missing_packages() {
    local programs package alternatives
    while read -r programs package; do
        case "$programs" in '' | '#'*) continue ;; esac
        IFS='|' read -ra alternatives <<<"$programs"
        if have_any "${alternatives[@]}"; then continue; fi
        if [ "$package $distribution" = "chromium ubuntu" ]; then # only a snap there, which a chroot or container cannot run
            echo "tools: no browser; on Ubuntu install Google Chrome for the report's tests" >&2
        else
            echo "$package"
        fi
    done <"$here/tools.txt" | sort -u
    if [ -z "$(find /usr/share/fonts -name '*.ttf' -print -quit 2>/dev/null)" ]; then echo fonts-dejavu-core; fi
    if [ ! -e /usr/share/benchmark/compare.py ]; then echo libbenchmark-tools; fi # Google Benchmark's, for tests of exports
}

# clang's sanitizer runtimes: a package named after clang's version, which is known once clang is there.
missing_runtime() {
    have clang || return 0
    local runtime
    runtime=$(find "$(clang -print-resource-dir)" -name 'libclang_rt.asan*x86_64*' -print -quit 2>/dev/null || true)
    [ -n "$runtime" ] || [ "$(uname -m)" != x86_64 ] || echo "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
}

install() {
    echo "tools: apt-get install $*"
    if [ ! -e "$updated" ]; then
        DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null || true
        touch "$updated"
    fi
    # One by one where all at once fails: a name unknown to this release must not keep the others away.
    if ! DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1; then
        local package
        for package in "$@"; do
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 ||
                echo "tools: apt-get could not install $package" >&2
        done
    fi
}

distribution=$(sed -n 's/^ID=//p' /etc/os-release 2>/dev/null || true)
updated=$(mktemp -u)
trap 'rm -f "$updated"' EXIT

for step in missing_packages missing_runtime; do
    mapfile -t packages < <("$step")
    [ "${#packages[@]}" -gt 0 ] || continue
    if [ "$(id -u)" = 0 ] && have apt-get; then
        install "${packages[@]}"
    else
        echo "tools: some tests will be skipped; for them: sudo apt-get install ${packages[*]}" >&2
    fi
done
