# Shared by the scripts here; to be sourced. Finds and installs what is needed, builds, finds ports.
#
# Environment:
#   UNDERSTUDY_BUILD   build directory (default: build, beside scripts/)
#   UNDERSTUDY_JOBS    how many compilers at once (default: by processors and memory)
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${UNDERSTUDY_BUILD:-$root/build}

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
  warn "${0##*/}: $*"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# The Python that has the module `redis`: Debian's package belongs to Debian's own interpreter, which
# need not be the first in PATH. Prints nothing if there is none.
python_with_redis() {
  local python
  for python in /usr/bin/python3 python3; do
    if have "$python" && "$python" -c 'import redis' 2>/dev/null; then
      say "$python"
      return 0
    fi
  done
  return 1
}

# --- what is needed ---------------------------------------------------------------------------
# purpose | Debian packages | probe | what it is for
# A probe is a shell word list that succeeds when the thing is there, wherever it came from.
requirements() {
  cat <<'LIST'
build|g++|have_compiler|a C++20 compiler
build|cmake|have cmake|cmake 3.18 or newer
build|ninja-build|have_builder|ninja or make
build|pkg-config|have pkg-config|pkg-config
build|libhiredis-dev|have_library hiredis|hiredis, with headers
build|libevent-dev|have_library libevent_core|libevent, with headers
build|libboost-program-options-dev|have_header boost/program_options.hpp|Boost.ProgramOptions, with headers
build|libjemalloc-dev|have_library jemalloc|jemalloc, with headers
build|libabsl-dev|have_library absl_base|Abseil, with headers
build|libgtest-dev|have_library gtest|GoogleTest, with headers
cluster|redis-tools|have redis-cli|redis-cli
test|redis-tools|have redis-cli|redis-cli
test|redis-server|have redis-server|redis-server, which the tests compare with
test|python3-redis|python_with_redis|the Python client library
test|iproute2|have ip|ip, for networks that break
test|nodejs|have node|node, for two of the client libraries
test|npm|have npm|npm, for two of the client libraries
bench|redis-tools|have redis-cli|redis-cli
bench|redis-server|have redis-server|redis-server, which is measured beside
LIST
}
have_compiler() { have "${CXX:-c++}" || have g++ || have clang++; }
have_builder() { have ninja || have make; }
have_library() { have pkg-config && pkg-config --exists "$1"; }
have_header() {
  local compiler=${CXX:-c++}
  have "$compiler" || return 1
  printf '#include <%s>\n' "$1" | "$compiler" -x c++ -E - >/dev/null 2>&1
}

# missing PURPOSE...: the lines of what isn't there, "package|what".
missing() {
  local purpose package probe what seen=' '
  while IFS='|' read -r purpose package probe what; do
    [[ " $* " == *" $purpose "* && $seen != *" $package "* ]] || continue
    seen+="$package "
    # shellcheck disable=SC2086  # a probe is a list of words
    $probe >/dev/null 2>&1 || say "$package|$what"
  done < <(requirements)
}

# as_root COMMAND...: as root, by sudo if need be; 1 if that can't be.
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    return 1
  fi
}

# Installing Debian's redis-server would also start it as a service; only the program is wanted.
# A policy that was there before is left as it is.
forbid_services() {
  [[ -e /usr/sbin/policy-rc.d ]] && return 0
  printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
  as_root chmod 755 /usr/sbin/policy-rc.d
  trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
}
allow_services() {
  [[ $(trap -p EXIT) == *policy-rc.d* ]] || return 0
  as_root rm -f /usr/sbin/policy-rc.d
  trap - EXIT
}

# install_debian PACKAGE...: all at once; if that can't be, what can be one by one.
install_debian() {
  local log package result=0 apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -y -q)
  log=$(mktemp)
  say "Installing: $*"
  forbid_services
  if ! as_root "${apt[@]}" install --no-install-recommends "$@" >"$log" 2>&1; then
    # The lists of packages may be absent or old.
    as_root "${apt[@]}" update >>"$log" 2>&1 || true
    if ! as_root "${apt[@]}" install --no-install-recommends "$@" >>"$log" 2>&1; then
      for package in "$@"; do
        as_root "${apt[@]}" install --no-install-recommends "$package" >"$log" 2>&1 && continue
        tail -n 3 "$log" >&2
        result=1
      done
    fi
  fi
  rm -f "$log"
  allow_services
  return "$result"
}

# need PURPOSE...: installs what is missing for these purposes, or says what is and gives up.
# What only client libraries need (node, npm) may stay missing: their tests then say so and are
# skipped.
need() {
  local list=() line wanted
  mapfile -t list < <(missing "$@")
  [[ ${#list[@]} -eq 0 ]] && return 0
  if have apt-get; then
    wanted=("${list[@]%%|*}")
    install_debian "${wanted[@]}" || warn "apt-get could not install all of: ${wanted[*]}"
    hash -r
    mapfile -t list < <(missing "$@")
  fi
  local fatal=0
  for line in "${list[@]}"; do
    case ${line%%|*} in
      nodejs | npm | python3-redis)
        warn "Missing: ${line#*|} (Debian: ${line%%|*}); the tests that need it will be skipped."
        ;;
      libabsl-dev | libjemalloc-dev) ;; # cmake knows whether this build can do without
      *)
        warn "Missing: ${line#*|} (Debian: ${line%%|*})"
        fatal=1
        ;;
    esac
  done
  if ((fatal)); then
    have apt-get || warn "This system has no apt-get: please install these yourself."
    die "cannot go on without them"
  fi
}

# --- building ---------------------------------------------------------------------------------
# As many compilers as there are processors, but no more than one a gigabyte of free memory.
jobs_for_build() {
  local jobs memory
  jobs=${UNDERSTUDY_JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
  memory=$(awk '/^MemAvailable:/ {print int($2 / 1048576)}' /proc/meminfo 2>/dev/null || echo 64)
  [[ -n $memory ]] && ((memory < jobs)) && jobs=$memory
  say $((jobs < 1 ? 1 : jobs))
}

# configure [CMAKE OPTION...]
configure() {
  local generator=()
  if [[ ! -f $build/CMakeCache.txt ]] && have ninja; then generator=(-G Ninja); fi
  if ! cmake -S "$root" -B "$build" "${generator[@]}" "$@" >"$build.configure.log" 2>&1; then
    cat "$build.configure.log" >&2
    rm -f "$build.configure.log"
    die "cmake failed"
  fi
  rm -f "$build.configure.log"
}

# compile [TARGET...]: all without arguments. Quiet unless it fails or takes part in a terminal.
compile() {
  local target arguments=()
  for target in "$@"; do arguments+=(--target "$target"); done
  cmake --build "$build" -j "$(jobs_for_build)" "${arguments[@]}" || die "the build failed"
}

# --- ports ------------------------------------------------------------------------------------
# Whether something listens on this port of the loopback address.
port_in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port: prints a port that is free and that no other script of ours was given. Below the range
# from which the kernel picks the ports of outgoing connections. Forgotten when this shell is gone.
ports_dir=${TMPDIR:-/tmp}/understudy-ports-$(id -u)
free_port() {
  local port owner claim
  mkdir -p "$ports_dir"
  for _ in {1..500}; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    claim=$ports_dir/$port
    if ! mkdir "$claim" 2>/dev/null; then
      owner=$(cat "$claim/pid" 2>/dev/null || true)
      if [[ -n $owner ]] && ! kill -0 "$owner" 2>/dev/null; then rm -rf "$claim"; fi
      continue
    fi
    say $$ >"$claim/pid"
    if ! port_in_use "$port"; then
      say "$port"
      return 0
    fi
    rm -rf "$claim"
  done
  die "no free port found"
}
release_ports() {
  local claim
  for claim in "$ports_dir"/*/; do
    [[ $(cat "$claim/pid" 2>/dev/null) == "$$" ]] && rm -rf "$claim"
  done
  return 0
}

# --- talking to a server ----------------------------------------------------------------------
# ask PORT ARGUMENT...: redis-cli, but never for longer than ASK_SECONDS (2).
ask() {
  local port=$1
  shift
  timeout "${ASK_SECONDS:-2}" redis-cli -h 127.0.0.1 -p "$port" "$@" 2>/dev/null
}
# info_field PORT SECTION FIELD
info_field() { ask "$1" INFO "$2" | tr -d '\r' | awk -F: -v f="$3" '$1 == f {print substr($0, length(f) + 2)}'; }
# role PORT: "master", "slave", or nothing if it doesn't answer.
role() {
  local answer
  answer=$(ask "$1" ROLE | head -n 1) || return 1
  [[ $answer == master || $answer == slave ]] && say "$answer"
}
# voters PORT: "<voters> <members>", as the node there knows.
voters() {
  ask "$1" INFO cluster | tr -d '\r' |
    awk -F: '$1 == "cluster_voters" {v = $2} $1 == "cluster_members" {m = $2} END {print v + 0, m + 0}'
}
# all_vote PORT N: whether the cluster has N members and all are voters. Who joins is a learner first.
all_vote() { [[ $(voters "$1") == "$2 $2" ]]; }
