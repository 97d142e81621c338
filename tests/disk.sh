#!/usr/bin/env bash
# Disks that stall, fail or are full (faulty_disk.cc), under clients that write through all nodes. Named
# findings of others that this covers: acknowledged before it was fsynced (Jepsen on NATS 2.12, 2025;
# Redis-Raft, 2020); a slow replica that stalls everyone (Jepsen on Tarantool, 2020); an fsync that failed
# and is tried again as if nothing had been lost ("fsyncgate", PostgreSQL, 2018).
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
has_sanitizer && skip "a sanitizer's library must be the first one loaded"
faulty disk
another_global() { [[ $(who_is_global) != "$1" ]] && has_global; }
log_says() { grep -q "$2" "$work/node$1.log"; }

start_cluster 3 --appendfsync always
start_client
sleep 0.5

step "the global's disk stalls: another takes over, nobody gets an error"
old=$(who_is_global)
note_event "the disk of the global, node$old, stalls"
fault "$old" stall
until_true 15 "another global" another_global "$old"
sleep 0.5
fault "$old" ok
wait_for_all 30

step "a local's disk is slow: nobody waits for it"
old=$(who_is_global)
slow=$((old % 3 + 1))
note_event "every fsync of node$slow takes 300 ms"
fault "$slow" slow 300
sleep 2
fault "$slow" ok
wait_for_all 30
expect "the global" "$old" "$(who_is_global)"

for what in fail full; do
  old=$(who_is_global)
  step "the global's disk: $what"
  note_event "the disk of the global, node$old: $what"
  fault "$old" "$what"
  until_true 15 "another global" another_global "$old"
  until_true 5 "node$old says so" log_says "$old" "Writing to disk failed"
  # What failed isn't tried again, so that nothing counts as written that may be lost.
  fault "$old" ok
  sleep 0.5
  kill_node "$old"
  start_node "$old"
  wait_for_all 30
done
step "the client's report"
finish_client
wait_same_digest

step "nothing is acknowledged before a majority has it on disk"
global=$(who_is_global)
for i in 1 2 3; do ((i == global)) || fault "$i" stall; done
exec 6<>"/dev/tcp/127.0.0.1/${port[$global]}"
printf 'SET stalled 1\r\n' >&6
if read -r -t 0.5 line <&6; then fail "acknowledged with one copy on disk: $line"; fi
fault $((global % 3 + 1)) ok
read -r -t 10 line <&6 || fail "not acknowledged with two copies on disk"
expect "the reply" +OK "${line%$'\r'}"
exec 6>&-
for i in 1 2 3; do fault "$i" ok; done
wait_for_all 30
wait_same_digest
pass "disks that stall, fail and are full"
