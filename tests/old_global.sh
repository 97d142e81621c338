#!/usr/bin/env bash
# A global that comes back with an entry which nobody else ever had. Its client isn't told that it
# wrote, and the others' clients don't have to wait:
#   - while one of the others is dead, so that nothing commits without the old global;
#   - when the log doesn't reach back far enough any more, so that it gets a state instead.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

# old: the global, stopped with a client (6) that wrote `a`; new: the one of the others that took over.
old='' new='' others=()
another_global() {
  local i
  for i in "${others[@]}"; do
    if is_global "$i"; then new=$i; fi
  done
  [[ -n $new ]]
}
leave_a_write_behind() {
  local i
  step "the global takes a write that nobody else gets"
  old=$(who_is_global) new='' others=()
  for i in 1 2 3; do ((i == old)) || others+=("$i"); done
  expect "a write" OK "$(ask "${port[$old]}" SET a before)"
  exec 6<>"/dev/tcp/127.0.0.1/${port[$old]}"
  for i in "${others[@]}"; do signal_node "$i" STOP; done
  printf 'SET a lost\r\n' >&6
  sleep 0.1
  for i in "${others[@]}"; do kill_node "$i"; done
  signal_node "$old" STOP
  step "the others go on without it"
  for i in "${others[@]}"; do start_node "$i"; done
  until_true 20 "another global" another_global
}
# What the client hears is the end of its connection.
expect_no_answer() {
  local answer
  answer=$(timeout 10 head -n 1 <&6) || fail "the old global's client still waits"
  expect "what the old global's client hears of its write" '' "$answer"
  exec 6>&-
}
expect_equal_nodes() {
  local i
  wait_for_all 30
  for i in 1 2 3; do expect "the key at node$i" before "$(ask "${port[$i]}" GET a)"; done
  wait_same_digest
}
# More than the log keeps in memory for locals that lag.
write_much() {
  local n
  head -c 1000000 /dev/zero | tr '\0' x >"$work/value"
  for ((n = 0; n < 100; n++)); do
    printf 'SET big%d "' $((n % 5)) && cat "$work/value" && printf '"\r\n'
  done >"$work/commands"
  redis-cli -h 127.0.0.1 -p "${port[$1]}" <"$work/commands" >"$work/answers"
  expect "100 big writes" 100 "$(grep -c OK "$work/answers")"
}

start_cluster 3 --appendfsync no
leave_a_write_behind
write_much "$new"
step "it comes back, to a state in place of the entries"
signal_node "$old" CONT
expect_no_answer
expect_equal_nodes
received=$(info_field "${port[$old]}" cluster cluster_snapshots_received)
expect "states received" 1 "$received"

leave_a_write_behind
third=${others[0]}
[[ $third != "$new" ]] || third=${others[1]}
timeout 30 redis-benchmark -h 127.0.0.1 -p "${port[$new]}" -t set -n 600000 -P 16 -c 8 -q \
  >"$work/load" 2>&1 &
load=$!
children+=("$load")
sleep 0.5
step "it comes back in the same moment in which another dies, under load"
kill_node "$third"
signal_node "$old" CONT
wait "$load" || fail "writes have stopped"
expect_no_answer
start_node "$third"
expect_equal_nodes
pass "what an old global did alone never happened"
