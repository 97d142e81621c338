#!/usr/bin/env bash
# A cluster on this machine, to try things with: nodes node1, node2, ... on 127.0.0.1:7001, 7002, ...
# with their data under data/.
#
#   scripts/cluster.sh start [N] [-- OPTION...]   install, build, start N nodes (3), wait for a global
#   scripts/cluster.sh status                     who is what
#   scripts/cluster.sh stop [NODE]                a clean stop of one node, or of all
#   scripts/cluster.sh kill NODE                  kill -9
#   scripts/cluster.sh restart NODE               stop if it runs, and start it again with its data
#   scripts/cluster.sh add [-- OPTION...]         one node more
#   scripts/cluster.sh logs NODE [TAIL OPTION...] what it logged (-f follows)
#   scripts/cluster.sh clean                      stop all and delete data/
#
# NODE is a name (node2), a number (2), a port (7002), or `global`. Options after `--` go to the
# servers (scripts/cluster.sh start 3 -- --appendfsync everysec) and are kept for restarts.
#
# Environment: UNDERSTUDY_DATA (data), UNDERSTUDY_BASE_PORT (7000), UNDERSTUDY_BUILD (build),
# UNDERSTUDY_NO_BUILD=1 (take build/understudy-server as it is).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "$0")/common.sh"

data=${UNDERSTUDY_DATA:-$root/data}
base_port=${UNDERSTUDY_BASE_PORT:-7000}
server=$build/understudy-server

# Of node number i: its name, port, data directory, and beside that its process id, log and options.
name_of() { say "node$1"; }
port_of() { say $((base_port + $1)); }
dir_of() { say "$data/node$1"; }

# Numbers of the nodes that were ever started here, ascending.
known_nodes() {
  local file
  for file in "$data"/node*.options; do
    [[ -f $file ]] || continue
    file=${file##*/node}
    say "${file%.options}"
  done | sort -n
}

# A pid file may be older than a reboot, its number given to another program since. So the process
# must be our server, working in that node's directory.
running() { pid_of "$1" >/dev/null; }
pid_of() {
  local pid executable
  pid=$(cat "$data/node$1.pid" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] && kill -0 "$pid" 2>/dev/null || return 1
  if [[ -d /proc/self ]]; then
    executable=$(readlink "/proc/$pid/exe" 2>/dev/null) || return 1
    [[ ${executable##*/} == understudy-server || ${executable##*/} == "understudy-server (deleted)" ]] || return 1
    tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF "$(dir_of "$1")" || return 1
  else
    ps -o command= -p "$pid" 2>/dev/null | grep -F understudy-server | grep -qF "$(dir_of "$1")" || return 1
  fi
  say "$pid"
}

# The number of the node that holds the lock key, as a majority sees it; 1 if there is none.
global_node() {
  local i
  for i in $(known_nodes); do
    running "$i" || continue
    if [[ $(role "$(port_of "$i")") == master ]]; then
      say "$i"
      return 0
    fi
  done
  return 1
}

# resolve NODE: its number.
resolve() {
  local i=$1
  case $1 in
    global) i=$(global_node) || die "there is no global at the moment" ;;
    node[0-9]*) i=${1#node} ;;
  esac
  [[ $i =~ ^[0-9]+$ ]] || die "no such node: $1"
  ((i > base_port)) && i=$((i - base_port))
  [[ -f $data/node$i.options ]] || die "no such node: $1 (there are: $(known_nodes | sed 's/^/node/' | tr '\n' ' '))"
  say "$i"
}

prepare() {
  need cluster
  if [[ ${UNDERSTUDY_NO_BUILD:-} != 1 ]]; then
    need build
    configure
    say "Building (log: $build/build.log)"
    if ! cmake --build "$build" -j "$(jobs_for_build)" --target understudy-server >"$build/build.log" 2>&1; then
      tail -n 40 "$build/build.log" >&2
      die "the build failed"
    fi
  fi
  [[ -x $server ]] || die "$server is missing"
  mkdir -p "$data"
}

# A cluster with --requirepass: redis-cli takes the password from its environment.
use_password() {
  local i options=() n
  [[ -n ${REDISCLI_AUTH:-} ]] && return 0
  for i in $(known_nodes); do
    mapfile -t options <"$data/node$i.options"
    for ((n = 0; n + 1 < ${#options[@]}; n++)); do
      if [[ ${options[n]} == --requirepass ]]; then export REDISCLI_AUTH=${options[n + 1]}; fi
    done
  done
}

# note_options NUMBER OPTION...: one a line; that the file exists makes the node known.
note_options() {
  local file=$data/node$1.options
  shift
  : >"$file"
  (($# == 0)) || printf '%s\n' "$@" >"$file"
}

# launch NUMBER: starts the process with the options noted for it; waits until it answers.
launch() {
  local i=$1 options=() log=$data/node$1.log port
  port=$(port_of "$i")
  port_in_use "$port" && die "port $port is taken by another program"
  mapfile -t options <"$data/node$i.options"
  mkdir -p "$(dir_of "$i")"
  setsid "$server" --bind 127.0.0.1 --port "$port" --name "$(name_of "$i")" --dir "$(dir_of "$i")" \
    "${options[@]}" </dev/null >>"$log" 2>&1 &
  say $! >"$data/node$i.pid"
  for _ in {1..200}; do
    if port_in_use "$port"; then return 0; fi
    kill -0 "$(cat "$data/node$i.pid")" 2>/dev/null || break
    sleep 0.05
  done
  tail -n 15 "$log" >&2
  die "node$i did not start; its log is $log"
}

# halt NUMBER SIGNAL: and waits for its end.
halt() {
  local pid
  pid=$(pid_of "$1") || return 0
  kill -s "$2" "$pid"
  [[ $2 == KILL ]] || kill -s CONT "$pid" 2>/dev/null || true # one that was stopped can't hear
  for _ in {1..300}; do
    if ! running "$1"; then
      rm -f "$data/node$1.pid"
      return 0
    fi
    sleep 0.05
  done
  die "node$1 (process $pid) has not ended after 15 seconds"
}

# wait_for_global [SECONDS]: until one of the running nodes is the global and the rest follow it.
wait_for_global() {
  local deadline=$((SECONDS + ${1:-15})) i globals locals count votes
  while ((SECONDS < deadline)); do
    globals=0 locals=0 count=0
    for i in $(known_nodes); do
      running "$i" || continue
      count=$((count + 1))
      case $(ask "$(port_of "$i")" ROLE | tr '\n' ' ') in
        master*) globals=$((globals + 1)) ;;
        slave*connected*) locals=$((locals + 1)) ;;
      esac
    done
    if ((globals == 1 && globals + locals == count)); then
      # A node that joined counts for majorities only when it has become a voter.
      votes=$(voters "$(port_of "$(global_node)")")
      [[ ${votes% *} == "${votes#* }" ]] && return 0
    fi
    sleep 0.05
  done
  return 1
}

status() {
  local i pid role term index
  for i in $(known_nodes); do
    if ! pid=$(pid_of "$i"); then
      printf '%-8s 127.0.0.1:%-6s stopped\n' "$(name_of "$i")" "$(port_of "$i")"
      continue
    fi
    role=$(info_field "$(port_of "$i")" cluster cluster_role) || role=
    term=$(info_field "$(port_of "$i")" cluster cluster_term) || term=
    index=$(info_field "$(port_of "$i")" cluster cluster_applied_index) || index=
    printf '%-8s 127.0.0.1:%-6s process %-8s %-10s term %-4s index %s\n' "$(name_of "$i")" "$(port_of "$i")" \
      "$pid" "${role:-no answer}" "${term:-?}" "${index:-?}"
  done
}

suggest() {
  local nodes a b c
  mapfile -t nodes < <(known_nodes)
  a=$(port_of "${nodes[0]}") b=$(port_of "${nodes[1]:-${nodes[0]}}") c=$(port_of "${nodes[2]:-${nodes[0]}}")
  cat <<LIST

Any node answers. Try:
  redis-cli -p $a set greeting hello
  redis-cli -p $b get greeting
  redis-cli -p $c nextid
and, in two terminals, a chat room:
  redis-cli -3 -p $a        then: CHAT.JOIN lobby ann
  redis-cli -3 -p $b        then: CHAT.JOIN lobby bob, CHAT.SEND lobby hello
Then kill the global and go on at the others:
  scripts/cluster.sh kill global
  scripts/cluster.sh status
LIST
}

start() {
  local count=3 i fresh_options=() address global
  if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    count=$1
    shift
  fi
  [[ ${1:-} == -- ]] && shift
  fresh_options=("$@")
  ((count >= 1 && count <= 99)) || die "between 1 and 99 nodes"
  prepare
  for ((i = 1; i <= count; i++)); do
    running "$i" && continue
    if [[ ! -f $data/node$i.options ]]; then
      address=()
      # The first node of a new cluster begins alone; every other joins through one that is there.
      if ((i > 1)); then
        global=$(global_node) || global=1
        address=(--join "127.0.0.1:$(port_of "$global")")
      fi
      note_options "$i" "${address[@]}" "${fresh_options[@]}"
    fi
    use_password
    launch "$i"
    if ((i == 1 && count > 1)) && [[ -z $(known_nodes | sed -n 2p) ]]; then wait_for_global || true; fi
  done
  report
  suggest
}

add() {
  local i global
  [[ ${1:-} == -- ]] && shift
  i=$(known_nodes | tail -n 1)
  [[ -n $i ]] || die "there is no cluster yet: scripts/cluster.sh start"
  use_password
  i=$((i + 1))
  global=$(global_node) || die "there is no global to join"
  prepare
  note_options "$i" --join "127.0.0.1:$(port_of "$global")" "$@"
  launch "$i"
  report
}

report() {
  local done=0
  wait_for_global || done=1
  status
  ((done == 0)) || die "no global that all running nodes follow after 15 seconds; see scripts/cluster.sh logs NODE"
}

stop() {
  local i
  if (($#)); then
    i=$(resolve "$1")
    halt "$i" TERM
    say "$(name_of "$i") is stopped"
    return
  fi
  # Locals first: nobody need take over from whom.
  global=$(global_node) || global=
  for i in $(known_nodes); do [[ $i == "$global" ]] || halt "$i" TERM; done
  [[ -z $global ]] || halt "$global" TERM
  say "all nodes are stopped; their data is in $data"
}

kill_node() {
  local i was_global
  i=$(resolve "${1:?kill which node?}")
  running "$i" || die "$(name_of "$i") isn't running"
  was_global=$(global_node) || was_global=
  halt "$i" KILL
  say "$(name_of "$i") is killed"
  if [[ $was_global == "$i" ]]; then
    wait_for_global 10 || warn "the others have found no new global: a majority of the voters must be up"
    status
  fi
}

restart() {
  local i
  i=$(resolve "${1:?restart which node?}")
  prepare
  halt "$i" TERM
  launch "$i"
  report
}

logs() {
  local i
  i=$(resolve "${1:?logs of which node?}")
  shift
  exec tail "${@:--n100}" "$data/node$i.log"
}

clean() {
  local i
  for i in $(known_nodes); do halt "$i" TERM; done
  # Only what this script made.
  rm -rf "$data"/node*
  rmdir "$data" 2>/dev/null || true
  say "stopped and deleted"
}

command=${1:-}
(($#)) && shift
use_password
case $command in
  start) start "$@" ;;
  status) status ;;
  stop) stop "$@" ;;
  kill) kill_node "$@" ;;
  restart) restart "$@" ;;
  add) add "$@" ;;
  logs) logs "$@" ;;
  clean) clean ;;
  *)
    sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"
    [[ $command == --help || $command == -h || $command == help ]]
    ;;
esac
