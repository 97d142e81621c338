#!/usr/bin/env bash
# What a snapshot and a joining node cost a node that is being written to: throughput and worst
# latency with and without, the longest step of the snapshot in a turn of the event loop, the peak
# memory of both nodes.
#   scripts/bench_snapshot.sh [keys, default 10000000] [port of the first node, default 7801]
# The server is build/understudy-server, or $UNDERSTUDY; redis-cli and redis-benchmark measure.
set -euo pipefail

readonly keys=${1:-10000000} port=${2:-7801}
readonly server=${UNDERSTUDY:-build/understudy-server}
readonly at_once=1000000 # keys of one DEBUG POPULATE
work=$(mktemp -d)
pids=()
stop_all() {
  ((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap stop_all EXIT

ask() { redis-cli -p "$1" "${@:2}"; }
info() { ask "$1" INFO everything | tr -d '\r' | sed -n "s/^$2://p"; }
until_is() { # port, field, value
  until [[ $(info "$@" 2>/dev/null) == "$3" ]]; do sleep 0.2; done
}
start() { # number, options
  mkdir "$work/$1"
  "$server" --port $((port + $1)) --dir "$work/$1" --name "node$1" --appendfsync everysec \
    --logfile "$work/$1.log" "${@:2}" &
  pids+=($!)
  until ask $((port + $1)) PING 2>/dev/null | grep -q PONG; do sleep 0.1; done
}
memory_mib() { awk '/^'"$2"':/ {print int($2 / 1024)}' "/proc/${pids[$1]}/status"; }
# Writes; prints requests a second and milliseconds.
measure() {
  local name=$1
  redis-benchmark -p "$port" -t set -n "${2:-400000}" -r "$keys" -d 64 -c 20 --csv |
    awk -F'"' -v name="$name" '/SET/ {printf "%-28s %9.0f writes/s, p50 %s ms, p99 %s ms, worst %s ms\n", name, $4, $10, $14, $16}'
}

start 0
for ((made = 0; made < keys; made += at_once)); do
  ask "$port" DEBUG POPULATE $((keys - made < at_once ? keys - made : at_once)) "key$made" 64 >/dev/null
done
echo "keys: $(ask "$port" DBSIZE), memory $(memory_mib 0 VmRSS) MiB"
until_is "$port" rdb_bgsave_in_progress 0
measure "nothing else"

ask "$port" BGSAVE >/dev/null
measure "a snapshot is made"
until_is "$port" rdb_bgsave_in_progress 0
echo "  it took $(info "$port" rdb_last_bgsave_time_sec) s, longest step $(info "$port" snapshot_longest_step_us) us ($(info "$port" snapshot_longest_step_cpu_us) us of the thread's own time)"

began=$SECONDS
start 1 --join "127.0.0.1:$port"
measure "a node joins"
until_is $((port + 1)) master_sync_in_progress 0
until [[ $(ask $((port + 1)) READONLY >/dev/null; ask $((port + 1)) DBSIZE) -ge $keys ]]; do sleep 0.5; done
echo "  it has all after $((SECONDS - began)) s"
measure "two nodes"
for n in 0 1; do echo "node$n: memory $(memory_mib $n VmRSS) MiB, at most $(memory_mib $n VmHWM) MiB"; done
