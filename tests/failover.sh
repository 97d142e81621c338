#!/usr/bin/env bash
# Clients write through all nodes while the global is killed (-9) and restarted, many times. No
# acknowledged write may be missing, no identifier handed out twice, all reads and writes linearizable;
# the killed node comes back with the state of the others.
#
# Environment: KILLS (10), SERVER_OPTIONS (more options for the nodes).
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
kills=${KILLS:-10}

step "three nodes"
read -ra more <<<"${SERVER_OPTIONS:-}"
start_cluster 3 "${more[@]}"
start_client
sleep 1
for ((n = 1; n <= kills; n++)); do
  global=$(who_is_global)
  note_event "kill $n, of node$global"
  kill_node "$global"
  # What is there when it comes back differs: only the two others, or much that it missed.
  sleep "0.$((RANDOM % 9))"
  wait_for_global
  new=$(who_is_global)
  [[ $new != "$global" ]] || fail "a dead node is the global"
  ((n % 3 == 0)) && sleep 1.5
  start_node "$global"
  wait_for_all 30
  client_alive || break
done
step "the client's report"
finish_client
wait_same_digest
pass "$kills kills of the global"
