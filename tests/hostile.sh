#!/usr/bin/env bash
# Malformed requests, half commands, random bytes, broken pipelines, clients that never read, ten
# thousand idle connections: at the global and at a local (hostile_client.cc says what and checks the
# answers). The nodes live, keep their limits, and have the same state afterwards.
source "$(dirname "$0")/lib.sh"

most=10050
# Each connection is a file in the server, and one in the client.
files=$(ulimit -Hn)
if [[ $files != unlimited ]] && ((files < most + 300)); then
  most=$((files - 300))
  say "this system allows $files files a process: $most clients instead of 10050"
fi
((most > 500)) || skip "ulimit -n is too low"
# A time to live that a busy machine keeps: that the global stays the global is checked below.
start_cluster 3 --maxclients "$most" --lock-ttl 3000
global=$(who_is_global)
local_node=$((global % 3 + 1))
memory() { awk '/^VmRSS:/ {print int($2 / 1024)}' "/proc/${pid[$1]}/status" 2>/dev/null || say 0; }
declare -A before=()
for i in 1 2 3; do before[$i]=$(memory "$i"); done

step "at the global, $most clients and no more"
"$build/hostile_client" --server "127.0.0.1:${port[$global]}" --idle $((most - 50)) --maxclients "$most" ||
  fail "the global answered wrongly"
step "at a local, with more clients than it may have"
"$build/hostile_client" --server "127.0.0.1:${port[$local_node]}" --idle $((most + 200)) --maxclients "$most" --seed 2 ||
  fail "the local answered wrongly"

step "a member of a chat room that doesn't read"
exec 6<>"/dev/tcp/127.0.0.1/${port[$local_node]}"
printf 'CLIENT SETNAME deaf\r\nCHAT.JOIN hostile deaf\r\n' >&6
deaf_is_there() { ask "${port[$local_node]}" CLIENT LIST | grep -q 'name=deaf '; }
until_true 10 "it is in the room" deaf_is_there
"$build/load_generator" --servers "127.0.0.1:${port[$global]}" --command "CHAT.SEND hostile __value__" --requests 2500 \
  --value-size 32000 --connections 4 --pipeline 4 || fail "messages were refused"
deaf_is_gone() { ! deaf_is_there; }
until_true 20 "its connection is closed when 32 MB are waiting for it" deaf_is_gone
exec 6>&-

step "what is left"
for i in 1 2 3; do
  kill -0 "${pid[$i]}" 2>/dev/null || fail "node$i is dead"
  after=$(memory "$i")
  say "node$i: ${before[$i]} MB before, $after MB after"
  # The room's history and the log are kept; gigabytes that were only promised are not.
  ((after < before[$i] + 1000)) || fail "node$i takes $after MB"
done
expect "the global" "$global" "$(who_is_global)"
wait_same_digest
for i in "$local_node" $((local_node % 3 + 1)) $(((local_node + 1) % 3 + 1)); do stop_node "$i"; done
pass "hostile clients"
