#!/usr/bin/env bash
# Wall clocks that jump, forwards and backwards, at the global and at locals (faulty_clock.cc): times to live
# go on by the cluster's time, the lock isn't lost, and what clients were told stays true. Also after a
# failover to a node whose clock is a day behind. (Jepsen's clock-skew nemesis; on Redis-Raft and
# others: leases and expiry by the wall clock.)
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
has_sanitizer && skip "a sanitizer's library must be the first one loaded"
faulty clock

start_cluster 3 --appendonly no
start_client
sleep 0.3
global=$(who_is_global)
local_node=$((global % 3 + 1)) third=$(((global + 1) % 3 + 1))
term=$(info_field "${port[$global]}" cluster cluster_term)
expect "a key that lives for a minute" OK "$(ask "${port[$global]}" SET minute 1 PX 60000)"
expect "a key that lives for two seconds" OK "$(ask "${port[$global]}" SET seconds 1 PX 2000)"
at_most() { (($2 > 0 && $2 <= $3)) || fail "$1: $2 ms to live"; }

step "the global's clock jumps a day ahead, one local's a day back"
note_event "clocks jump"
fault "$global" 86400
fault "$local_node" -86400
date_of() { ask "${port[$1]}" TIME | head -n 1; }
jumped() { (($(date_of "$global") - $(date_of "$local_node") > 170000)); }
until_true 10 "the nodes' clocks differ by two days" jumped
for i in 1 2 3; do
  at_most "minute at node$i" "$(ask "${port[$i]}" PTTL minute)" 60000
  expect "seconds at node$i" 1 "$(ask "${port[$i]}" EXISTS seconds)"
done
sleep 2
for i in 1 2 3; do expect "seconds at node$i, two seconds later" 0 "$(ask "${port[$i]}" EXISTS seconds)"; done
expect "the term" "$term" "$(info_field "${port[$global]}" cluster cluster_term)"

step "the global is killed; the clock of who is next is a day behind or right"
before=$(ask "${port[$global]}" PTTL minute)
note_event "the global is killed"
kill_node "$global"
wait_for_global
for i in "$local_node" "$third"; do at_most "minute at node$i" "$(ask "${port[$i]}" PTTL minute)" "$before"; done
start_node "$global"
wait_for_all 30

step "all clocks jump to and fro"
for offset in 7200 -7200 0; do
  for i in 1 2 3; do fault "$i" "$offset"; done
  sleep 0.3
done
at_most minute "$(ask "${port[$global]}" PTTL minute)" "$before"
step "the client's report"
finish_client
wait_same_digest
pass "wall clocks that jump"
