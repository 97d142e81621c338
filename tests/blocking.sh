#!/usr/bin/env bash
# Clients that wait for elements, on every node: they are served in the order in which they began to
# wait, whichever node they are connected to; those on surviving nodes keep waiting, with their rank
# and their deadline, when the global is killed; nothing is served twice, and nothing to who is gone.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

# wait_for FD PORT COMMAND...: a client of its own that asks this.
wait_for() {
  local fd=$1 to=$2
  shift 2
  eval "exec $fd<>/dev/tcp/127.0.0.1/$to"
  printf '%s\r\n' "$*" >&"$fd"
}
# expect_lines FD WHAT LINE...
expect_lines() {
  local fd=$1 what=$2 line expected
  shift 2
  for expected in "$@"; do
    read -r -t 15 line <&"$fd" || fail "$what: waits for '$expected' in vain"
    expect "$what" "$expected" "${line%$'\r'}"
  done
}
blocking_keys() { ask "${port[$1]}" INFO clients | tr -d '\r' | sed -n 's/^total_blocking_keys://p'; }
keys_wait() { [[ $(blocking_keys "$1") == "$2" ]]; }
keys_wait_somewhere() { keys_wait "$a" 3 || keys_wait "$b" 3; }
blocked() { [[ $(ask "${port[$1]}" INFO clients | tr -d '\r' | sed -n 's/^blocked_clients://p') == "$2" ]]; }

step "three nodes"
start_cluster 3
global=$(who_is_global)
others=()
for i in 1 2 3; do ((i == global)) || others+=("$i"); done
a=${others[0]} b=${others[1]}

step "served in order, whichever node they are on"
wait_for 6 "${port[$a]}" BLPOP q 0
until_true 5 "the first waits" keys_wait "$global" 1
wait_for 7 "${port[$global]}" BLPOP q 0
until_true 5 "the second waits" blocked "$global" 1
wait_for 8 "${port[$b]}" BRPOP other q 0
until_true 5 "the third waits" keys_wait "$global" 2
expect "pushed" 3 "$(ask "${port[$b]}" RPUSH q one two three)"
# shellcheck disable=SC2016 # replies, not variables
{
  expect_lines 6 "the first" '*2' '$1' q '$3' one
  expect_lines 7 "the second" '*2' '$1' q '$3' two
  expect_lines 8 "the third" '*2' '$1' q '$5' three
}
expect "all taken" 0 "$(ask "${port[$a]}" EXISTS q)"

step "over the death of the global"
printf 'BLMOVE q moved LEFT RIGHT 0\r\n' >&6
until_true 5 "it waits" keys_wait "$global" 1
printf 'BZPOPMIN z 0\r\nPING\r\n' >&8
until_true 5 "it waits" keys_wait "$global" 2
wait_for 9 "${port[$b]}" BLPOP q 0
until_true 5 "they wait" blocked "$b" 2
wait_for 10 "${port[$b]}" BLPOP nothing 3
until_true 5 "they wait" blocked "$b" 3
kill_node "$global"
until_true 10 "another global" keys_wait_somewhere
expect "pushed" 2 "$(ask "${port[$a]}" RPUSH q four five)"
expect "added" 1 "$(ask "${port[$a]}" ZADD z 1 m)"
# shellcheck disable=SC2016 # replies, not variables
{
  expect_lines 6 "the move" '$4' four
  expect_lines 9 "the one behind it" '*2' '$1' q '$4' five
  expect_lines 8 "the sorted set's, and what came behind it" '*3' '$1' z '$1' m '$1' 1 +PONG
  expect_lines 10 "the deadline" '*-1'
}
expect "moved once" four "$(ask "${port[$b]}" LRANGE moved 0 -1)"

step "entries of streams"
expect "an entry" 1-1 "$(ask "${port[$a]}" XADD s 1-1 a 1)"
expect "a group" OK "$(ask "${port[$b]}" XGROUP CREATE s g '$')"
for i in "$a" "$b"; do wait_for "$((11 + i))" "${port[$i]}" XREAD BLOCK 0 STREAMS s '$'; done
wait_for 20 "${port[$a]}" XREADGROUP GROUP g first BLOCK 0 STREAMS s '>'
until_true 5 "they wait" blocked "$a" 2
until_true 5 "they wait" blocked "$b" 1
wait_for 21 "${port[$b]}" XREADGROUP GROUP g second BLOCK 0 STREAMS s '>'
until_true 5 "they wait" blocked "$b" 2
expect "an entry" 2-1 "$(ask "${port[$b]}" XADD s 2-1 b 2)"
# shellcheck disable=SC2016 # replies, not variables
{
  new=('*1' '*2' '$1' s '*1' '*2' '$3' 2-1 '*2' '$1' b '$1' 2)
  for i in "$a" "$b"; do expect_lines "$((11 + i))" "who reads at node$i" "${new[@]}"; done
  expect_lines 20 "the group's first consumer" "${new[@]}"
}
expect "the second still waits" "$(printf '1\n2-1\n2-1\nfirst\n1')" "$(ask "${port[$a]}" XPENDING s g)"
expect "the stream is gone" 1 "$(ask "${port[$a]}" DEL s)"
expect_lines 21 "the second consumer" \
  "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option"

step "who is gone gets nothing"
wait_for 31 "${port[$b]}" BLPOP q 0
until_true 5 "it waits" blocked "$b" 1
exec 31<&- 31>&-
until_true 5 "it is gone" blocked "$b" 0
expect "pushed" 1 "$(ask "${port[$a]}" RPUSH q six)"
expect "still there" six "$(ask "${port[$b]}" LRANGE q 0 -1)"
expect "digests" "$(ask "${port[$a]}" DEBUG DIGEST)" "$(ask "${port[$b]}" DEBUG DIGEST)"
pass "clients that wait"
