#!/usr/bin/env bash
# Memory stays bounded, and others are served, when somebody doesn't keep up: a local that hangs while
# much is written, clients that ask for much and don't read, disks that stand still. (Jepsen on
# Tarantool, 2020: a slow replica stalls everyone; others run out of memory for it.)
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
have redis-benchmark || skip "redis-benchmark is not installed"

# Bytes of memory a node uses, in MB; at most.
memory_mb() { awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/${pid[$1]}/status"; }
expect_memory() {
  local used
  used=$(memory_mb "$1")
  say "node$1 uses $used MB"
  ((used <= $2)) || fail "node$1 uses $used MB, more than $2, while $3"
}
# load PORT SECONDS OPTION...: writes of 1 MB to few keys.
load() {
  timeout "$2" redis-benchmark -h 127.0.0.1 -p "$1" -t set -d 1000000 -r 10 -q "${@:3}" >"$work/load" 2>&1
}

start_cluster 3 --appendonly no
global=$(who_is_global)
hung=$((global % 3 + 1)) other=$(((global + 1) % 3 + 1))

step "a local hangs while 900 MB are written"
signal_node "$hung" STOP
load "${port[$global]}" 60 -n 900 -c 4 || fail "writes have stopped"
# The log is held for the local that lags, 512 MB of it, then it is to get the state.
expect_memory "$global" 900 "a local hangs"
expect_memory "$other" 900 "another local hangs"
signal_node "$hung" CONT
wait_for_all 60
wait_same_digest

step "clients ask for 100 MB each and don't read"
head -c 1000000 /dev/zero | tr '\0' x >"$work/value"
redis-cli -h 127.0.0.1 -p "${port[$global]}" -x SET big <"$work/value" >/dev/null
for node in "$global" "$other"; do
  before=$(memory_mb "$node")
  fds=()
  for ((n = 0; n < 8; n++)); do
    exec {fd}<>"/dev/tcp/127.0.0.1/${port[$node]}"
    fds+=("$fd")
    for ((k = 0; k < 100; k++)); do printf 'GET big\r\n'; done >&"$fd"
  done
  for ((n = 0; n < 20; n++)); do
    expect "PING beside them" PONG "$(ask "${port[$node]}" PING)"
    sleep 0.05
  done
  # 32 MB wait for each of them, and what the kernel takes.
  expect_memory "$node" $((before + 8 * 40 + 60)) "clients don't read"
  expect "a write beside them" OK "$(ask "${port[$node]}" SET beside "$node")"
  # One that reads at last gets all of it.
  size=$(timeout 20 head -c $((100 * 1000012)) <&"${fds[3]}" | wc -c)
  expect "bytes read at last" $((100 * 1000012)) "$size"
  for fd in "${fds[@]}"; do exec {fd}>&-; done
done
for i in 1 2 3; do stop_node "$i"; done

step "all disks stand still under a load of writes"
if has_sanitizer; then
  pass "a hung local, clients that don't read (not: disks, with a sanitizer)"
  exit 0
fi
rm -rf "$work"/node?
for i in 1 2 3; do unset "port[$i]"; done
faulty disk
start_cluster 3 --appendfsync always
global=$(who_is_global)
for i in 1 2 3; do fault "$i" stall; done
load "${port[$global]}" 60 -n 700 -c 20 -P 5 &
loading=$!
children+=("$loading")
sleep 5
# Kept for the log's writer (256 MB), for the clients (128 MB), in the log in memory, and read.
for i in 1 2 3; do expect_memory "$i" 1300 "all disks stand still"; done
expect "PING" PONG "$(ask "${port[$global]}" PING)"
for i in 1 2 3; do fault "$i" ok; done
wait "$loading" || fail "the writes weren't done when the disks went on"
wait_for_all 60
wait_same_digest
pass "a hung local, clients that don't read, disks that stand still"
