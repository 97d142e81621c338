#!/usr/bin/env bash
# Who is gone is out of the chat rooms: a client that disconnects, the clients of a node that was
# killed, though it stays away, and of one whose nodes were all killed. Links, which rooms are one use
# of, are part of the replicated state.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

# users_are I NICK...: who is in the room, as node I says.
users_are() {
  local i=$1 users
  shift
  users=$(ask "${port[$i]}" CHAT.USERS tea) && [[ ${users//$'\n'/ } == "$*" ]]
}

start_cluster 3
exec 5<>"/dev/tcp/127.0.0.1/${port[1]}" 6<>"/dev/tcp/127.0.0.1/${port[2]}"
printf 'CHAT.JOIN tea fred\r\n' >&5
until_true 10 "fred joins" users_are 3 fred
printf 'CHAT.JOIN tea peter\r\n' >&6
until_true 10 "peter joins" users_are 3 fred peter

step "fred disconnects"
exec 5>&-
until_true 10 "fred is out of the room" users_are 3 peter

step "peter's node is killed"
kill_node 2
exec 6>&-
wait_for_global 20
until_true 10 "peter is out of the room" users_are 3
start_node 2
wait_for_all 30

step "links of a cluster"
links_are() { ask "${port[$1]}" TARGET.STATE main | tr -d '\r' | grep -qx "links:$2"; }
exec 7<>"/dev/tcp/127.0.0.1/${port[2]}"
printf 'TARGET.LINK main SELF\r\n' >&7
until_true 10 "the link is known everywhere" links_are 3 1
[[ $(ask "${port[3]}" TARGET.LINK main CLIENT 999999) == OK ]]
until_true 10 "a link to nobody ends" links_are 1 1
exec 7>&-
until_true 10 "the link ends with its connection" links_are 3 0
exec 7<>"/dev/tcp/127.0.0.1/${port[2]}"
printf 'TARGET.LINK main SELF\r\n' >&7
until_true 10 "the link is known everywhere" links_are 3 1
printf 'RESET\r\n' >&7
until_true 10 "RESET ends links" links_are 3 0
[[ $(ask "${port[3]}" TARGET.UNLINK main EXIT x 1 1 x) == ERR* ]] || fail "a client said what only nodes can"
exec 7>&-

step "all nodes are killed"
exec 5<>"/dev/tcp/127.0.0.1/${port[1]}"
printf 'CHAT.JOIN tea james\r\n' >&5
until_true 10 "james joins" users_are 2 james
for i in 1 2 3; do kill_node "$i"; done
exec 5>&-
for i in 1 2 3; do start_node "$i"; done
wait_for_all 30
until_true 10 "james is out of the room" users_are 2
wait_same_digest
pass "rooms"
