#!/usr/bin/env bash
# Commands that take long at the global: its lock is kept meanwhile, up to --busy-limit; one that takes
# longer costs two globals their lock and isn't executed a third time, wherever its client is.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
# resp WORD...: a request, of any length.
resp() {
  local word
  printf '*%d\r\n' $#
  for word in "$@"; do printf '$%d\r\n%s\r\n' "${#word}" "$word"; done
}
term() { info_field "${port[$(who_is_global)]}" cluster cluster_term; }

start_cluster 3 --lock-ttl 500
global=$(who_is_global)
before=$(term)
step "three seconds in one command; the lock's time to live is half a second"
ASK_SECONDS=20
expect "the command" OK "$(ask "${port[$global]}" DEBUG SLEEP 3)"
expect "a write behind it" OK "$(ask "${port[$global]}" SET a 1)"
expect "the global" "$global" "$(who_is_global)"
expect "the term" "$before" "$(term)"

step "a command that takes longer than busy-limit"
for i in 1 2 3; do ask "${port[$i]}" CONFIG SET busy-limit 100 >/dev/null; done
# The intersection of a set with itself, so many times as it takes on this machine to cost the lock.
{
  printf 'SADD set'
  seq -f ' m%.0f' -s '' 1 20000
  printf '\r\n'
} | redis-cli -h 127.0.0.1 -p "${port[$global]}" >/dev/null
redis-cli -h 127.0.0.1 -p "${port[$global]}" CONFIG SET busy-limit 60000 >/dev/null
for ((times = 2000; times < 400000; times *= 2)); do
  mapfile -t long < <(say SINTERCARD && say "$times" && yes set | head -n "$times")
  start=$(now_us)
  printf '%s\n' "${long[*]}" | redis-cli -h 127.0.0.1 -p "${port[$global]}" >/dev/null
  took=$((($(now_us) - start) / 1000))
  ((took < 2000)) || break
done
say "it takes $took ms"
((took >= 2000)) || fail "no command takes long enough here"
ask "${port[$global]}" CONFIG SET busy-limit 100 >/dev/null
# ask_too_long NODE: of a client there. The second global may end it with its lock kept, when the first
# one isn't back yet so that nobody could take over; then it was done.
refused=0
ask_too_long() {
  wait_for_all 30
  before=$(term)
  exec 6<>"/dev/tcp/127.0.0.1/${port[$1]}"
  {
    printf 'MULTI\r\nSET done 1\r\n'
    resp "${long[@]}"
    printf 'EXEC\r\nEXISTS done\r\nDEL done\r\n'
  } >&6
  for _ in OK QUEUED QUEUED; do read -r -t 20 _ <&6 || fail "no reply at node$1"; done
  read -r -t 60 line <&6 || fail "no reply to what takes too long at node$1"
  done=0
  if [[ $line == '*2'* ]]; then
    done=1
    for _ in OK number; do read -r -t 20 _ <&6 || fail "half a reply at node$1"; done
  elif [[ $line != -BUSY* ]]; then
    fail "the reply to what takes too long at node$1: $line"
  fi
  read -r -t 20 line <&6 || fail "no reply to what is behind it"
  expect "whether it was done" ":$done" "${line%$'\r'}"
  read -r -t 20 _ <&6 || fail "no reply to what is behind that"
  exec 6>&-
  ((done == 0)) || return 0
  wait_for_all 30
  (($(term) >= before + 2)) || fail "it didn't cost two globals their lock"
  refused=$((refused + 1))
}
for ((tries = 0; tries < 3 && refused == 0; tries++)); do
  for where in "$global" "$((global % 3 + 1))"; do ask_too_long "$where"; done
done
((refused > 0)) || fail "it never cost two globals their lock"
expect "a write at the end" OK "$(ask "${port[1]}" SET a 2)"
wait_same_digest
pass "long commands"
