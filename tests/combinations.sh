#!/usr/bin/env bash
# Nodes killed, stopped, frozen and restarted in combinations, the global and locals, one and several at a
# time, beside handovers, under clients that write through all nodes. Findings of others that this covers:
# a committed write answered with an error, a forwarded command executed again, replies crossed between
# clients (Jepsen on Redis-Raft, 2020); all lost at a failover to an empty node (the same); nodes that
# don't come up again (a crash while a received snapshot is loaded, the same).
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

start_cluster 3
start_client --bound 20
sleep 0.3
roles() {
  global=$(who_is_global) locals=()
  for i in 1 2 3; do ((i == global)) || locals+=("$i"); done
}
about_to() {
  wait_for_all 30
  roles
  note_event "$*"
  step "$*"
}

about_to "a local is killed"
kill_node "${locals[0]}"
sleep 0.2
start_node "${locals[0]}"

about_to "a local is stopped"
stop_node "${locals[1]}"
sleep 0.2
start_node "${locals[1]}"

about_to "the global is stopped: it hands over"
stop_node "$global"
start_node "$global"

about_to "the global is killed and is back at once"
kill_node "$global"
start_node "$global"

about_to "a local and then the global are killed: no majority, until one is back"
kill_node "${locals[0]}"
kill_node "$global"
sleep 0.3
start_node "$global"
wait_for_global
start_node "${locals[0]}"

about_to "all are killed"
for i in 1 2 3; do kill_node "$i"; done
for i in 3 1 2; do start_node "$i"; done

about_to "all are stopped, one after the other"
for i in "${locals[@]}" "$global"; do stop_node "$i"; done
for i in "$global" "${locals[@]}"; do start_node "$i"; done

about_to "the global is frozen, a local killed: nobody can take over until the local is back"
signal_node "$global" STOP
kill_node "${locals[0]}"
sleep 0.3
start_node "${locals[0]}"
taken_over() { is_global "${locals[0]}" || is_global "${locals[1]}"; }
until_true 20 "one of the others takes over" taken_over
signal_node "$global" CONT

about_to "handovers to each, and one back and forth"
for i in "${locals[@]}" "$global" "${locals[0]}"; do
  wait_for_all 30
  ask "${port[$(who_is_global)]}" FAILOVER TO 127.0.0.1 "${port[$i]}" >/dev/null
  until_true 10 "node$i has the lock" is_global "$i"
done

about_to "the global is killed, and the next one as soon as it is"
kill_node "$global"
wait_for_global
next=$(who_is_global)
kill_node "$next"
start_node "$global"
start_node "$next"

about_to "the global is killed in a handover"
ask "${port[$global]}" FAILOVER >/dev/null &
kill_node "$global"
wait $! || true
start_node "$global"

wait_for_all 30
step "the client's report"
finish_client
wait_same_digest
pass "kills, stops, freezes and restarts in combinations"
