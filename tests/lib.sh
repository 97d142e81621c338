# For the tests that start real nodes; to be sourced. Nodes are numbered from 1, listen on free ports
# of 127.0.0.1, keep their data in one temporary directory, and are ended by the process ids noted
# here, whatever happens. A test ends with `pass`; anything else is a failure, and then the last lines
# of every node's log are shown.
#
# Environment: UNDERSTUDY_SERVER (default: build/understudy-server), UNDERSTUDY_BUILD (build),
# UNDERSTUDY_KEEP=1 (keep the temporary directory).
# shellcheck shell=bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"

server=${UNDERSTUDY_SERVER:-$build/understudy-server}
work=$(mktemp -d "${TMPDIR:-/tmp}/understudy-test.XXXXXX")
declare -A port=() pid=()
children=() # other processes of the test
passed=0
# What ctest takes for "skipped" (see CMakeLists.txt).
skip() {
  say "SKIPPED: $*"
  passed=1
  exit 77
}
fail() {
  warn "FAILED: $*"
  exit 1
}
pass() {
  passed=1
  say "passed: $*"
}
step() { say "--- $(date +%T.%3N) $*"; }

cleanup() {
  local status=${1:-$?} i child
  trap - EXIT
  for i in "${!pid[@]}"; do
    kill -9 "${pid[$i]}" 2>/dev/null || true
    wait "${pid[$i]}" 2>/dev/null || true
  done
  for child in "${children[@]}"; do
    kill -9 "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  done
  if ((passed == 0)); then
    warn "FAILED (status $status)"
    for i in "${!port[@]}"; do
      warn "--- log of node$i (port ${port[$i]})"
      tail -n 40 "$work/node$i.log" >&2 || true
    done
    ((status != 0)) || status=1
  fi
  [[ ${UNDERSTUDY_KEEP:-} == 1 ]] && warn "kept: $work"
  [[ ${UNDERSTUDY_KEEP:-} == 1 ]] || rm -rf "$work"
  release_ports
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

[[ -x $server ]] || fail "$server is missing"
have redis-cli || skip "redis-cli is not installed"

now_us() { echo $(($(date +%s%N) / 1000)); }

# until_true SECONDS WHAT COMMAND...: polls; fails with WHAT when the time is over.
until_true() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < deadline)) || fail "gave up waiting: $what"
    sleep 0.05
  done
}

# start_node I [OPTION...]: a new node, or an old one again with the options it had. Returns when it
# listens.
start_node() {
  local i=$1 file line
  shift
  [[ -n ${port[$i]:-} ]] || port[$i]=$(free_port)
  if (($#)); then printf '%s\n' "$@" >"$work/node$i.options"; else touch "$work/node$i.options"; fi
  file=()
  while IFS= read -r line; do file+=("$line"); done <"$work/node$i.options"
  mkdir -p "$work/node$i"
  "$server" --bind 127.0.0.1 --port "${port[$i]}" --name "node$i" --dir "$work/node$i" "${file[@]}" \
    </dev/null >>"$work/node$i.log" 2>&1 &
  pid[$i]=$!
  until_true 20 "node$i listens" node_listens "$i"
}
node_listens() {
  kill -0 "${pid[$1]}" 2>/dev/null || fail "node$1 ended at its start"
  port_in_use "${port[$1]}"
}

# start_cluster N [OPTION...]: node 1 begins alone, the others join it; returns when all follow.
start_cluster() {
  local n=$1 i
  shift
  start_node 1 "$@"
  until_true 20 "node1 is the global" is_global 1
  for ((i = 2; i <= n; i++)); do start_node "$i" --join "127.0.0.1:${port[1]}" "$@"; done
  wait_for_all 30
}

is_global() { [[ $(role "${port[$1]}") == master ]]; }
# The number of the node that is the global. Of two that think so, the one with the newer term: a
# process that was stopped can't know yet.
who_is_global() {
  local i best='' best_term=-1 term
  for i in "${!pid[@]}"; do
    is_global "$i" || continue
    term=$(info_field "${port[$i]}" cluster cluster_term)
    if ((${term:-0} > best_term)); then best=$i best_term=${term:-0}; fi
  done
  [[ -n $best ]] && say "$best"
}
has_global() { who_is_global >/dev/null; }
wait_for_global() { until_true "${1:-30}" "a global" has_global; }

# Whether every running node is the global or follows it, as a voter, with everything applied.
all_follow() {
  local i globals=0 answer
  for i in "${!pid[@]}"; do
    answer=$(ask "${port[$i]}" ROLE | tr '\n' ' ')
    case $answer in
      master*) globals=$((globals + 1)) ;;
      slave*connected*) ;;
      *) return 1 ;;
    esac
    if [[ $answer == master* ]]; then
      answer=$(voters "${port[$i]}")
      [[ ${answer% *} == "${answer#* }" ]] || return 1
    fi
  done
  ((globals == 1))
}
wait_for_all() { until_true "${1:-30}" "all nodes follow one global" all_follow; }

# signal_node I SIGNAL
signal_node() { kill -s "$2" "${pid[$1]}"; }
# kill_node I: kill -9.
kill_node() {
  kill -9 "${pid[$1]}"
  wait "${pid[$1]}" 2>/dev/null || true
  unset "pid[$1]"
}
# stop_node I: a clean stop; its exit status must be 0 (a sanitizer's complaint is not).
stop_node() {
  local status=0 stopped=${pid[$1]}
  kill -TERM "$stopped"
  for _ in {1..400}; do
    kill -0 "$stopped" 2>/dev/null || break
    sleep 0.05
  done
  if kill -0 "$stopped" 2>/dev/null; then fail "node$1 has not ended 20 seconds after SIGTERM"; fi
  wait "$stopped" || status=$?
  unset "pid[$1]"
  ((status == 0)) || fail "node$1 ended with status $status after SIGTERM"
}

# Not before the node has applied what it knows to be committed.
digest() {
  local answer=LOADING n
  for ((n = 0; n < 300; n++)); do
    answer=$(ask "${port[$1]}" DEBUG DIGEST)
    [[ $answer == LOADING* ]] || break
    sleep 0.1
  done
  say "$answer"
}
same_digest() {
  local i first='' one
  for i in "${!pid[@]}"; do
    one=$(digest "$i")
    [[ $one =~ ^[0-9a-f]{40}$ ]] || return 1
    [[ -z $first || $one == "$first" ]] || return 1
    first=$one
  done
}
# The states are equal once all have applied everything; nobody may be writing.
wait_same_digest() { until_true "${1:-30}" "equal DEBUG DIGEST on all nodes" same_digest; }

# servers_of I...: "127.0.0.1:p,127.0.0.1:q"; of all without arguments.
servers_of() {
  local i all=''
  (($#)) || set -- "${!port[@]}"
  for i in "$@"; do all="$all,127.0.0.1:${port[$i]}"; done
  say "${all:1}"
}

# faulty disk | clock: the nodes started from now on have one that fails when it is told (faulty_disk.cc,
# faulty_clock.cc); fault I WORD... tells that of one node. Not with a sanitizer, whose library must be
# the first one loaded.
has_sanitizer() { nm "$server" 2>/dev/null | grep -c __asan_init >/dev/null; }
faulty() {
  [[ -f $build/faulty_$1.so ]] || fail "faulty_$1.so isn't built"
  cat >"$work/server.sh" <<WRAPPER
#!/usr/bin/env bash
for word in "\$@"; do
  [[ \${before:-} != --dir ]] || export FAULTY_${1^^}=\$word.fault
  before=\$word
done
LD_PRELOAD=$build/faulty_$1.so exec "$server" "\$@"
WRAPPER
  chmod +x "$work/server.sh"
  server=$work/server.sh
}
fault() { say "${*:2}" >"$work/node$1.fault"; }

# expect WHAT EXPECTED ACTUAL
expect() { [[ $2 == "$3" ]] || fail "$1: expected '$2', got '$3'"; }

# The client that writes and checks while nodes are killed (failover_client.cc). It runs until
# finish_client, which fails if anything was lost. CLIENT_SERVERS: host:port,... instead of all nodes.
client_pid=
start_client() {
  rm -f "$work/stop"
  : >"$work/events"
  "$build/failover_client" --servers "${CLIENT_SERVERS:-$(servers_of)}" --stop-file "$work/stop" --events-file "$work/events" "$@" \
    >"$work/client.log" 2>&1 &
  client_pid=$!
  children+=("$client_pid")
}
# note_event WHAT: about to be done; the client reports how long writes paused then.
note_event() { say "$(now_us) $*" >>"$work/events"; }
client_alive() { kill -0 "$client_pid" 2>/dev/null; }
finish_client() {
  local status=0
  touch "$work/stop"
  wait "$client_pid" || status=$?
  cat "$work/client.log"
  ((status == 0)) || fail "the client found something wrong"
}
