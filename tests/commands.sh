#!/usr/bin/env bash
# Runs the command scripts, in RESP2 and RESP3, against one kind of server:
#
#   tests/commands.sh redis | single | global | local [FILE...]
#
#   redis    a real redis-server, whose replies the expectations are
#   single   one node without persistence
#   global   the global of three nodes
#   local    a local of three nodes
# Connections that a script names take the nodes in turn, beginning with that one.
# FILE: tests/commands/*.txt if not given.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

mode=${1:-single}
shift || true
files=("$@")
((${#files[@]})) || files=("$root"/tests/commands/*.txt)

ports=()
kind=understudy
case $mode in
  redis)
    have redis-server || skip "redis-server is not installed"
    kind=redis
    port[1]=$(free_port)
    redis-server --bind 127.0.0.1 --port "${port[1]}" --save '' --appendonly no --dir "$work" \
      </dev/null >"$work/node1.log" 2>&1 &
    pid[1]=$!
    until_true 20 "redis-server listens" node_listens 1
    ports=("${port[1]}")
    ;;
  single)
    start_node 1 --appendonly no
    until_true 20 "node1 is the global" is_global 1
    ports=("${port[1]}")
    ;;
  global | local)
    start_cluster 3 --appendfsync everysec
    global=$(who_is_global)
    for i in 1 2 3; do
      if [[ $i == "$global" ]]; then continue; fi
      ports+=("${port[$i]}")
    done
    # The global first, or between the two locals.
    if [[ $mode == global ]]; then
      ports=("${port[$global]}" "${ports[@]}")
    else
      ports=("${ports[0]}" "${port[$global]}" "${ports[1]}")
    fi
    ;;
  *) fail "usage: $0 redis | single | global | local [file...]" ;;
esac

for protocol in resp2 resp3; do
  options=(--server "$kind")
  [[ $protocol == resp3 ]] && options+=(--resp3)
  for one in "${ports[@]}"; do options+=(--port "$one"); done
  "$build/commands_runner" "${options[@]}" "${files[@]}" || fail "$mode, $protocol"
done
if ((${#ports[@]} > 1)); then wait_same_digest; fi
pass "commands, $mode"
