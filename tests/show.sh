#!/usr/bin/env bash
# Three nodes look like one server: what one is told, the others know; identifiers are handed out
# once; a chat room spans the nodes. Through scripts/cluster.sh, as the README shows it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

# Ports in a row, as the script wants them.
for _ in {1..50}; do
  base=$(free_port)
  port_in_use $((base + 1)) || port_in_use $((base + 2)) || port_in_use $((base + 3)) || break
done
export UNDERSTUDY_DATA=$work/data UNDERSTUDY_BASE_PORT=$base UNDERSTUDY_BUILD=$build UNDERSTUDY_NO_BUILD=1
cluster() { "$root/scripts/cluster.sh" "$@"; }
end_cluster() {
  local status=$? log
  for log in "$work"/data/*.log; do
    ((passed)) || warn "--- $log" "$(tail -n 40 "$log")"
  done
  port=()
  cluster clean >/dev/null 2>&1 || true
  cleanup "$status"
}
trap end_cluster EXIT
for i in 1 2 3 4; do port["$i"]=$((base + i)); done

step "start"
cluster start 3
expect "global after the start" 1 "$(for i in 1 2 3; do role "${port[$i]}"; done | grep -c master)"

step "any node answers"
expect "set" OK "$(ask "${port[1]}" set greeting hello)"
expect "get at another node" hello "$(ask "${port[2]}" get greeting)"
expect "set at a local, get at a local" OK "$(ask "${port[3]}" set greeting "hello again")"
for i in 1 2 3; do expect "get at node$i" "hello again" "$(ask "${port[$i]}" get greeting)"; done
for id in 0 1 2; do expect "nextid" "$id" "$(ask "${port[3]}" nextid)"; done
expect "nextid at another node" 3 "$(ask "${port[1]}" nextid)"

step "a chat room on two nodes"
# Two connections that stay; what they are sent is in files.
chat() { # NODE FILE COMMAND...: a redis-cli that reads commands from a pipe and stays
  local node=$1 out=$2
  mkfifo "$out.in"
  redis-cli "${@:3}" -h 127.0.0.1 -p "${port[$node]}" <"$out.in" >"$out" 2>&1 &
  children+=($!)
}
chat 2 "$work/ann" -3 --show-pushes yes
exec 4>"$work/ann.in"
chat 3 "$work/bob" -3 --show-pushes yes
exec 5>"$work/bob.in"
echo "CHAT.JOIN lobby ann" >&4
echo "CHAT.JOIN lobby bob" >&5
joined() { [[ $(ask "${port[1]}" CHAT.USERS lobby | wc -w) == 2 ]]; }
until_true 10 "both are in the room" joined
expect "users" "ann bob" "$(ask "${port[1]}" CHAT.USERS lobby | sort | tr '\n' ' ' | sed 's/ $//')"
echo "CHAT.SEND lobby hello-from-ann" >&4
sleep 0.3
echo "CHAT.SEND lobby hello-from-bob" >&5
# redis-cli prints a push when it reads the next reply at the latest.
hears() {
  echo "PING" >&"$1"
  grep -q "$3" "$2"
}
until_true 10 "bob hears ann" hears 5 "$work/bob" hello-from-ann
until_true 10 "ann hears bob" hears 4 "$work/ann" hello-from-bob
until_true 10 "ann hears herself" hears 4 "$work/ann" hello-from-ann
expect "history on the third node" 2 "$(ask "${port[1]}" CHAT.HISTORY lobby | grep -c hello-from)"
exec 4>&- 5>&-
left() { [[ -z $(ask "${port[1]}" CHAT.USERS lobby) ]]; }
until_true 10 "whoever closes the connection leaves the room" left

step "kill the global, go on, restart it"
status_before=$(cluster status)
for i in 1 2 3; do if is_global "$i"; then global=$i; fi; done
grep -q "node$global .*global" <<<"$status_before" || fail "status doesn't show the global: $status_before"
cluster kill global
other=$((global % 3 + 1))
expect "set without the old global" OK "$(ASK_SECONDS=8 ask "${port[$other]}" set after kill)"
expect "nextid goes on" 4 "$(ask "${port[$other]}" nextid)"
cluster restart "node$global"
expect "the restarted node knows" kill "$(ask "${port[$global]}" get after)"

step "one node more, a stop of one, of all, and a start again"
cluster add
expect "the new node has the state" kill "$(ask "${port[4]}" get after)"
cluster stop 4
cluster stop
for i in 1 2 3; do if port_in_use "${port[$i]}"; then fail "node$i still listens"; fi; done
cluster start 4
expect "the state is there again" kill "$(ask "${port[2]}" get after)"
cluster logs node1 | grep -q . || fail "no log"
cluster clean
[[ ! -e $work/data ]] || fail "clean left something: $(ls "$work/data")"
pass "three nodes as one server"
