#!/usr/bin/env bash
# Named clusters: the sessions of the original's paper on three nodes, the same name started on two
# nodes at once, commands on nodes that aren't members, the global of a cluster killed, all nodes
# restarted, and what is stopped, started again and deleted.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

answers() { # answers I EXPECTED COMMAND...
  local i=$1 expected=$2 got
  shift 2
  got=$(ask "${port[$i]}" "$@" | tr '\n' ' ')
  got=${got%"${got##*[! ]}"} # redis-cli puts an empty line behind an error
  [[ $got == "$expected" ]] || { answered="'$*' on node$i: '$got', not '$expected'" && return 1; }
}
must() { answers "$@" || fail "$answered"; }
global_of() { ask "${port[$1]}" TARGET.NODES "$2" | head -n 1; }
members_are() { [[ $(ask "${port[$1]}" TARGET.NODES "$2" | sort | tr '\n' ' ') == "$3 " ]]; }

# one_global NAME: exactly one node says that it's the global itself, and all name the same.
one_global() {
  local i named count=0 first
  first=$(global_of 1 "$1")
  for i in 1 2 3; do
    named=$(global_of "$i" "$1")
    [[ $named == "$first" ]] || return 1
    [[ $named != "node$i" ]] || count=$((count + 1))
  done
  ((count == 1))
}

start_cluster 3

step "ids: 0, 1, the global is stopped, 2"
must 2 OK TARGET.START id_server id
until_true 10 "node2 is the global" answers 1 node2 TARGET.NODES id_server
must 1 OK TARGET.START id_server id
must 3 OK TARGET.JOIN id_server
until_true 20 "three members" members_are 1 id_server "node1 node2 node3"
must 1 0 NEXTID id_server
must 3 1 NEXTID id_server
must 1 OK TARGET.STOP id_server GLOBAL
until_true 20 "node2 has left" members_are 1 id_server "node1 node3"
must 2 2 NEXTID id_server
grep -q "id_server started as global server" "$work/node2.log" || fail "no event in node2's log"
grep -q "New global server on node[13] (id_server)" "$work/node1.log" "$work/node3.log" ||
  fail "no news of the new global"

step "its founder is back"
must 2 OK TARGET.JOIN id_server
until_true 20 "three members again" members_are 2 id_server "node1 node2 node3"
one_global id_server || fail "not one global: $(for i in 1 2 3; do global_of "$i" id_server; done)"
[[ $(global_of 2 id_server) != node2 ]] || fail "the founder that came back is the global"
must 2 3 NEXTID id_server
must 1 4 NEXTID id_server
[[ $(cat "$work"/node?.log | grep -c "id_server started as global server") == 1 ]] ||
  fail "id_server was begun more than once"

step "two nodes start the same name at once"
ask "${port[1]}" TARGET.START twins id >/dev/null &
first=$!
ask "${port[3]}" TARGET.START twins id >/dev/null
wait "$first"
until_true 20 "one cluster of two" members_are 2 twins "node1 node3"
must 2 0 NEXTID twins
must 1 1 NEXTID twins
must 3 2 NEXTID twins

step "the global of a cluster is killed"
killed=$(global_of 1 id_server)
killed=${killed#node}
kill_node "$killed"
for ((i = 1; i <= 3; i++)); do ((i == killed)) || other=$i; done
until_true 20 "another one goes on" answers "$other" 5 NEXTID id_server
start_node "$killed"
wait_for_all 30

step "all nodes are killed"
for i in 1 2 3; do kill_node "$i"; done
for i in 1 2 3; do start_node "$i"; done
wait_for_all 30
until_true 30 "id_server goes on" answers 1 6 NEXTID id_server
until_true 30 "twins goes on" answers 2 3 NEXTID twins

step "stopped, started again, deleted"
must 3 OK TARGET.STOP id_server ALL
until_true 10 "it isn't running" answers 1 0 TARGET.RUNNING id_server
until_true 10 "nor on node2" answers 2 0 TARGET.RUNNING id_server
answers 1 7 NEXTID id_server && fail "a stopped cluster answered"
must 1 OK TARGET.START id_server id
until_true 20 "it goes on where it was" answers 1 7 NEXTID id_server
must 1 OK TARGET.STOP id_server ALL
must 1 OK TARGET.DELETE id_server
must 1 "ERR no such cluster 'id_server'" TARGET.JOIN id_server

step "a room with fred, peter and james"
must 1 OK TARGET.START tea chat
for i in 2 3; do must "$i" OK TARGET.JOIN tea; done
until_true 20 "three members" members_are 1 tea "node1 node2 node3"
exec 5<>"/dev/tcp/127.0.0.1/${port[1]}" 6<>"/dev/tcp/127.0.0.1/${port[2]}" \
  7<>"/dev/tcp/127.0.0.1/${port[3]}"
printf 'CHAT.JOIN tea fred\r\n' >&5
until_true 10 "fred joins" answers 3 fred CHAT.USERS tea
printf 'CHAT.JOIN tea peter\r\n' >&6
until_true 10 "peter joins" answers 1 "fred peter" CHAT.USERS tea
printf 'CHAT.JOIN tea james\r\n' >&7
until_true 10 "james joins" answers 2 "fred peter james" CHAT.USERS tea
printf 'CHAT.SEND tea hello\r\n' >&6
timeout 10 grep -q -m 1 hello <&5 || fail "fred doesn't hear peter"
timeout 10 grep -q -m 1 hello <&7 || fail "james doesn't hear peter"
exec 5>&-
until_true 10 "fred is out" answers 3 "peter james" CHAT.USERS tea
pass "named clusters"
