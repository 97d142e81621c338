#!/usr/bin/env bash
# The example sessions of the paper on gen_server_cluster, replayed against three nodes: an id server that
# goes on where the stopped one ended, and fred, peter and james in a chat room, here through
# scripts/chat.sh.
#
# What the original was weak in, and the test that it isn't so here:
#   acknowledged before it is replicated    failover.sh, tests/simulator
#   two servers after a partition           partitions.sh, tests/simulator
#   a slow local delays everybody           backpressure.sh, pause.sh
#   losers of an election out of line       tests/simulator, old_global.sh
#   a link's end ends the cluster           rooms.sh, plugin_machine_test.cc (LinksEndOnce)
#   a poisonous request ends the cluster    plugin_machine_test.cc (WhatThrowsChangesNothingHoweverOften)
#   requests to locals are refused          commands.sh local
#   reads ship the state                    plugin_machine_test.cc (UpdatesAndNewStates)
#   the state is in memory only             restart_all.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

# says I "COMMAND" EXPECTED
says() {
  local got
  # shellcheck disable=SC2086
  got=$(ask "${port[$1]}" $2) || true
  [[ $got == "$3" ]] || fail "node$1, $2: expected '$3', got '$got'"
}

# who_is_who: sets `first`, the global, and `locals`, the other two.
who_is_who() {
  local i
  first=$(who_is_global)
  locals=()
  for i in 1 2 3; do [[ $i == "$first" ]] || locals+=("$i"); done
}

start_cluster 3
who_is_who

step "the id server"
says "${locals[0]}" NEXTID 0
says "${locals[1]}" NEXTID 1
stop_node "$first"
wait_for_global 20
says "${locals[0]}" NEXTID 2
says "${locals[1]}" NEXTID 3
start_node "$first"
wait_for_all 30
says "$first" NEXTID 4

step "the chat room"
who_is_who
# chat I NICK: a person at a terminal; say NICK TEXT types a line.
declare -A typing=()
chat() {
  mkfifo "$work/$2.types"
  UNDERSTUDY_PORTS="${port[*]}" "$root/scripts/chat.sh" hall "$2" "${port[$1]}" <"$work/$2.types" >"$work/$2.sees" 2>&1 &
  children+=($!)
  local in
  exec {in}>"$work/$2.types"
  typing[$2]=$in
  until_true 10 "$2 is in the room" sees "$2" "\\* $2 joins"
}
say_as() { printf '%s\n' "$2" >&"${typing[$1]}"; }
sees() { grep -qs -e "$2" "$work/$1.sees"; }
fred_saw_james_join() { (($(grep -c "\\* james joins" "$work/fred.sees") == $1)); }
all_see() {
  local who
  for who in fred peter james; do
    until_true 10 "$who sees '$1'" sees "$who" "$1"
  done
}
chat "${locals[0]}" fred
chat "${locals[1]}" peter
chat "${locals[1]}" james
says "$first" "CHAT.USERS hall" $'fred\npeter\njames'
say_as fred "hello, here is fred"
all_see "<fred> hello, here is fred"
say_as peter "hi fred"
all_see "<peter> hi fred"

step "the global goes"
kill_node "$first"
wait_for_global 20
say_as james "still here"
all_see "<james> still here"
says "${locals[0]}" "CHAT.USERS hall" $'fred\npeter\njames'
say_as james "/users"
until_true 10 "james sees who is there" sees james "\\* here: fred peter james"
say_as peter "/quit"
until_true 10 "fred sees peter leave" sees fred "\\* peter leaves"
says "${locals[0]}" "CHAT.USERS hall" $'fred\njames'
for who in fred james; do
  for text in "<fred> hello, here is fred" "<peter> hi fred" "<james> still here"; do
    (($(grep -c -e "$text" "$work/$who.sees") == 1)) || fail "$who saw '$text' more than once"
  done
done

step "james's node goes, he comes back through another one"
start_node "$first"
wait_for_all 30
kill_node "${locals[1]}"
until_true 20 "fred sees james leave" sees fred "\\* james leaves (node lost)"
say_as fred "where is james?"
until_true 20 "james sees what he missed" sees james "<fred> where is james?"
until_true 20 "fred sees james" fred_saw_james_join 2
(($(grep -c "where is james" "$work/james.sees") == 1)) || fail "james saw it more than once"
(($(grep -c "still here" "$work/james.sees") == 1)) || fail "james saw older messages again"
says "$first" "CHAT.USERS hall" $'fred\njames'
say_as fred "/quit"
until_true 10 "james sees fred leave" sees james "\\* fred leaves"
says "$first" "CHAT.USERS hall" james
pass "the original's sessions"
