#!/usr/bin/env bash
# The global is stopped (SIGSTOP) for ten seconds and goes on (SIGCONT): another has taken over, the
# old one steps down before it answers anybody, so nobody reads what is old; nothing is lost. And a
# local that is stopped: nobody notices.
#
# Environment: PAUSE_SECONDS (10).
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
pause=${PAUSE_SECONDS:-10}

start_cluster 3
start_client --timeout 2000
sleep 1

step "the global stops"
old=$(who_is_global)
expect "write before" OK "$(ask "${port[$old]}" SET fresh before)"
# A connection that is already there when the node stops; a request waits in it when the node goes on.
exec 6<>"/dev/tcp/127.0.0.1/${port[$old]}"
printf 'GET fresh\r\n' >&6
read -r -t 5 _ <&6 && read -r -t 5 line <&6
expect "read before" before "${line%$'\r'}"
note_event "SIGSTOP of the global, node$old"
signal_node "$old" STOP
others_have_global() {
  local i
  for i in 1 2 3; do
    if ((i != old)) && is_global "$i"; then return 0; fi
  done
  return 1
}
until_true 30 "another global" others_have_global
new=$(for i in 1 2 3; do if ((i != old)) && is_global "$i"; then say "$i"; fi; done)
step "node$new took over"
expect "write at the new global" OK "$(ask "${port[$new]}" SET fresh after)"
sleep "$pause"
printf 'GET fresh\r\n' >&6
readers=()
for n in 1 2 3 4 5; do
  # Not through `ask`: these wait until the node goes on.
  timeout 20 redis-cli -h 127.0.0.1 -p "${port[$old]}" GET fresh >"$work/read$n" 2>&1 &
  readers+=($!)
done
sleep 0.3

step "it goes on"
signal_node "$old" CONT
for n in 1 2 3 4 5; do
  wait "${readers[$((n - 1))]}" || true
  answer=$(head -n 1 "$work/read$n")
  case $answer in
    before) fail "a stale read at the node that had been stopped" ;;
    after | *CLUSTERDOWN* | *"closed"* | *"reset"* | '') say "reader $n: ${answer:-connection closed}" ;;
    *) fail "reader $n got: $answer" ;;
  esac
done
if read -r -t 10 size <&6 && [[ $size == \$* ]]; then
  read -r -t 5 line <&6
  expect "what the old connection read" after "${line%$'\r'}"
else
  say "the old connection: ${size:-closed}"
fi
exec 6>&-
stepped_down() { [[ $(role "${port[$old]}") == slave ]]; }
until_true 20 "node$old steps down" stepped_down
wait_for_all 30
expect "read at the old global" after "$(ask "${port[$old]}" GET fresh)"
step "the client's report"
finish_client

step "a local stops; nobody else notices"
wait_for_all 30
global=$(who_is_global)
local_node=$((global % 3 + 1))
before=$(info_field "${port[$global]}" cluster cluster_term)
expect "an empty start for the next client" OK "$(ask "${port[$global]}" FLUSHALL)"
# The client's connections go to the two others only.
others=()
for i in 1 2 3; do ((i == local_node)) || others+=("127.0.0.1:${port[$i]}"); done
CLIENT_SERVERS=$(IFS=, && echo "${others[*]}") start_client --max-gap 2000
sleep 1
note_event "SIGSTOP of a local, node$local_node"
signal_node "$local_node" STOP
sleep 5
note_event "SIGCONT of node$local_node"
signal_node "$local_node" CONT
sleep 1
finish_client
expect "the global's term" "$before" "$(info_field "${port[$global]}" cluster cluster_term)"
expect "the global" "$global" "$(who_is_global)"
wait_for_all 30
wait_same_digest
pass "SIGSTOP of the global and of a local"
