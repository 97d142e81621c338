#!/usr/bin/env bash
# A chat room over kills of the global: each message reaches every joined client on every node once, in
# one order; a client on a node that lives misses and repeats nothing; who was on a node that died is
# out of the room, and is told of. With RESP3 pushes on one node, RESP2 messages on the other.
#
# Environment: KILLS (default 4).
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
kills=${KILLS:-4}
python=$(command -v python3) || skip "python3 is not installed"

cat >"$work/listen.py" <<'PYTHON'
# Joins the room over RESP2 or RESP3, and writes each message's id, nick and text on a line.
import socket, sys
port, resp, nick, out = int(sys.argv[1]), sys.argv[2], sys.argv[3], open(sys.argv[4], "w", buffering=1)
connection = socket.create_connection(("127.0.0.1", port))
stream = connection.makefile("rb")
def value():
    line = stream.readline()
    if not line:
        sys.exit("the connection ended")
    kind, rest = line[:1], line[1:-2]
    if kind == b"$":
        text = stream.read(int(rest) + 2)
        return text[:-2].decode()
    if kind in b"*>~":
        return [value() for _ in range(int(rest))]
    if kind == b"%":
        return [value() for _ in range(2 * int(rest))]
    return rest.decode()
if resp == "3":
    connection.sendall(b"HELLO 3\r\n")
    value()
connection.sendall(b"CHAT.JOIN hall %s\r\n" % nick.encode())
while True:
    got = value()
    if not isinstance(got, list):
        out.write("joined\n")
    elif got[0] == "message":  # RESP2: "message id time nick text"
        kind, *fields = got[2].split(" ", 4)
        out.write(" ".join([kind] + ([fields[0]] + fields[2:] if kind == "message" else fields[1:])) + "\n")
    elif got[0].startswith("chat."):
        kind = got[0][5:]
        fields = [got[2], got[4], got[5]] if kind == "message" else [f for f in got[3:] if f]
        out.write(" ".join([kind] + fields) + "\n")
PYTHON

listen() { # NODE RESP NICK
  "$python" "$work/listen.py" "${port[$1]}" "$2" "$3" "$work/$3.heard" 2>>"$work/$3.errors" &
  children+=($!)
  until_true 10 "$3 joins" grep -qs joined "$work/$3.heard"
}
messages_of() { grep '^message ' "$work/$1.heard" || true; }
joined_are() { (($(grep -c '^join james' "$work/peter.heard" || true) == $1)); }
left_are() { (($(grep -c '^leave james' "$work/fred.heard" || true) == $1)); }
has_heard() { grep -q "$2\$" "$work/$1.heard"; }

start_cluster 3
global=$(who_is_global)
locals=()
for i in 1 2 3; do [[ $i == "$global" ]] || locals+=("$i"); done
# The listeners' nodes aren't killed: the lock is brought back to the third before each kill.
victim=$global
listen "${locals[0]}" 3 fred
listen "${locals[1]}" 2 peter

send() { # TEXT: until it is sent; what got no answer may be there twice, so texts are told apart
  local answer
  answer=$(ask "${port[${locals[$((RANDOM % 2))]}]}" CHAT.SEND hall "$1") && [[ $answer =~ ^[0-9]+$ ]]
}
# A handover may fail, as when the other isn't quite up to date.
lock_goes_to() {
  local now
  is_global "$1" && return 0
  now=$(who_is_global) && ask "${port[$now]}" FAILOVER TO 127.0.0.1 "${port[$1]}" >/dev/null
  sleep 0.3
  is_global "$1"
}
texts=0
sending() {
  while [[ ! -e $work/stop ]]; do
    send "text$texts" && printf '%s\n' "text$texts" >>"$work/sent"
    texts=$((texts + 1))
  done
}
sending &
sender=$!
children+=("$sender")

for ((round = 1; round <= kills; round++)); do
  step "kill $round: node$victim, which is the global and has james in the room"
  rm -f "$work/james.heard"
  listen "$victim" 3 james
  until_true 20 "peter hears james join" joined_are "$round"
  kill_node "$victim"
  wait_for_global 20
  until_true 20 "fred hears that james is gone" left_are "$round"
  start_node "$victim"
  wait_for_all 30
  until_true 30 "node$victim is the global again" lock_goes_to "$victim"
done
touch "$work/stop"
wait "$sender" || true
last=$(tail -n 1 "$work/sent")
until_true 10 "fred hears the last message" has_heard fred "$last"
until_true 10 "peter hears the last message" has_heard peter "$last"

step "what they heard"
messages_of fred >"$work/fred.messages"
messages_of peter >"$work/peter.messages"
[[ ! -s $work/fred.errors && ! -s $work/peter.errors ]] || fail "a connection of a node that lived ended"
count=$(wc -l <"$work/fred.messages")
((count > 20)) || fail "only $count messages"
cmp "$work/fred.messages" "$work/peter.messages" || fail "they heard different things"
[[ $(awk '{ print $2 }' "$work/fred.messages") == "$(seq 1 "$count")" ]] || fail "a message is missing or there twice"
awk '{ print $4 }' "$work/fred.messages" | sort >"$work/heard.sorted"
sort "$work/sent" | comm -23 - "$work/heard.sorted" >"$work/lost"
[[ ! -s $work/lost ]] || fail "acknowledged and never heard: $(head -n 3 "$work/lost")"
[[ -z $(uniq -d "$work/heard.sorted") ]] || fail "sent once, heard twice"
[[ $(grep -c '^leave james' "$work/peter.heard") == "$kills" ]] || fail "peter heard james leave another number of times"
say "$count messages over $kills kills, each heard once on both nodes"
pass "chat over failovers"
