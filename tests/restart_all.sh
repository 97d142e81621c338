#!/usr/bin/env bash
# With --appendfsync always: all three nodes are killed (-9) at once under load and started again; one
# node is restarted; a clean stop by SIGTERM, of one and of all. Everything acknowledged is there.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

start_cluster 3 --appendfsync always
start_client --bound 30
for n in 1 2 3; do
  sleep 1.5
  step "all three are killed, $n"
  note_event "kill of all, $n"
  kill -9 "${pid[1]}" "${pid[2]}" "${pid[3]}"
  for i in 1 2 3; do
    wait "${pid[$i]}" 2>/dev/null || true
    unset "pid[$i]"
  done
  # In another order each time.
  for i in 0 1 2; do start_node $(((i + n) % 3 + 1)); done
  wait_for_all 40
done
step "one is killed and comes back"
global=$(who_is_global)
local_node=$((global % 3 + 1))
note_event "kill of a local"
kill_node "$local_node"
sleep 1
start_node "$local_node"
wait_for_all 30
step "the global is stopped by SIGTERM and comes back"
note_event "SIGTERM of the global"
stop_node "$global"
wait_for_global
start_node "$global"
wait_for_all 30
sleep 1
step "the client's report"
finish_client
wait_same_digest

step "a clean stop of all, and a start"
ask "${port[1]}" SET last word >/dev/null
before=$(digest 1)
for i in 1 2 3; do stop_node "$i"; done
for i in 3 2 1; do start_node "$i"; done
wait_for_all 40
wait_same_digest
expect "the state" "$before" "$(digest 2)"
expect "the last write" word "$(ask "${port[3]}" GET last)"
pass "everything acknowledged survived"
