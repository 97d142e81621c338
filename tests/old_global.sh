#!/usr/bin/env bash
# A global that comes back with entries which nobody else ever had (Jepsen's "thawed old leader"; its
# findings on Redis-Raft and RethinkDB: writes of a leader that was cut off came back, or were answered
# with an error though they had happened). Its clients notice a pause and nothing else: what they
# asked is executed again by the new global, once, in order, what they read after it too; and the
# others' clients don't have to wait:
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
# Clients of the old global: 6 writes, reads and runs a transaction, in one pipeline; 7 reads what 6
# wrote; 8 watches a key, and asks a transaction that changes it.
leave_writes_behind() {
  local i fd
  step "the global takes writes that nobody else gets"
  old=$(who_is_global) new='' others=()
  for i in 1 2 3; do ((i == old)) || others+=("$i"); done
  expect "a write" OK "$(ask "${port[$old]}" SET a before)"
  expect "deleted" OK "$(ask "${port[$old]}" MSET n 0 w 0 list 0)"
  expect "deleted" 1 "$(ask "${port[$old]}" DEL list)"
  for fd in 6 7 8; do eval "exec $fd<>/dev/tcp/127.0.0.1/${port[$old]}"; done
  printf 'WATCH w\r\n' >&8
  read -r -t 5 _ <&8 || fail "WATCH isn't answered"
  for i in "${others[@]}"; do signal_node "$i" STOP; done
  printf 'SET a again\r\nGET a\r\nRPUSH list 1\r\nPING\r\nINCR n\r\nMULTI\r\nINCR n\r\nPING\r\nRPUSH list 2\r\nEXEC\r\nLLEN list\r\nSET a end\r\n' >&6
  sleep 0.1
  printf 'GET a\r\nGET b\r\n' >&7
  printf 'MULTI\r\nSET w mine\r\nEXEC\r\nGET w\r\n' >&8
  sleep 0.1
  for i in "${others[@]}"; do kill_node "$i"; done
  signal_node "$old" STOP
  step "the others go on without it"
  for i in "${others[@]}"; do start_node "$i"; done
  until_true 20 "another global" another_global
}
# expect_replies FD WHAT LINE...
expect_replies() {
  local fd=$1 what=$2 line expected
  shift 2
  for expected in "$@"; do
    read -r -t 10 line <&"$fd" || fail "$what: waits for '$expected' in vain"
    expect "$what" "$expected" "${line%$'\r'}"
  done
}
# shellcheck disable=SC2016 # replies, not variables
expect_answers() {
  local line
  expect_replies 6 "the old global's client that wrote" +OK '$5' again :1 +PONG :1 \
    +OK +QUEUED +QUEUED +QUEUED '*3' :2 +PONG :2 :2 +OK
  expect_replies 7 "the old global's client that read" '$3' end '$-1'
  expect_replies 8 "the old global's client that watched" +OK +QUEUED
  read -r -t 10 line <&8 || fail "the old global's client that watched gets no reply to EXEC"
  # Had the old global's lease ended before it, on a slow machine, it wasn't executed there.
  if [[ $line == '*1'* ]]; then
    expect_replies 8 "the old global's client that watched" +OK '$4' mine
  else
    expect "EXEC of watched keys at the old global" '*-1' "${line%$'\r'}"
    expect_replies 8 "the old global's client that watched" '$1' 0
  fi
  exec 6>&- 7>&- 8>&-
}
expect_equal_nodes() {
  local i
  wait_for_all 30
  for i in 1 2 3; do
    expect "the key at node$i" end "$(ask "${port[$i]}" GET a)"
    expect "the counter at node$i" 2 "$(ask "${port[$i]}" GET n)"
    expect "the list at node$i" "1 2" "$(ask "${port[$i]}" LRANGE list 0 -1 | paste -sd ' ')"
  done
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
leave_writes_behind
write_much "$new"
step "it comes back, to a state in place of the entries"
signal_node "$old" CONT
expect_answers
expect_equal_nodes
received=$(info_field "${port[$old]}" cluster cluster_snapshots_received)
expect "states received" 1 "$received"

leave_writes_behind
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
expect_answers
start_node "$third"
expect_equal_nodes
pass "what an old global did alone never happened"
