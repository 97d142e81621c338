#!/usr/bin/env bash
# Random commands to a redis-server and to Understudy, replies compared:
#
#   tests/differential.sh single | local [SEED...]
#
#   single   one node without persistence
#   local    a local of three nodes, whose states must be equal afterwards
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"

mode=${1:-single}
shift || true
seeds=("$@")
have redis-server || skip "redis-server is not installed"

redis_port=$(free_port)
redis-server --bind 127.0.0.1 --port "$redis_port" --save '' --appendonly no --dir "$work" \
  </dev/null >"$work/redis.log" 2>&1 &
children+=($!)
until_true 20 "redis-server listens" port_in_use "$redis_port"

requests=50000
case $mode in
  single)
    ((${#seeds[@]})) || seeds=(1 2 3 4)
    start_node 1 --appendonly no
    until_true 20 "node1 is the global" is_global 1
    understudy_port=${port[1]}
    ;;
  local)
    ((${#seeds[@]})) || seeds=(5 6)
    requests=10000
    start_cluster 3 --appendfsync no
    for i in 1 2 3; do
      is_global "$i" || understudy_port=${port[$i]}
    done
    ;;
  *) fail "usage: $0 single | local [seed...]" ;;
esac

options=()
for seed in "${seeds[@]}"; do
  "$build/differential_client" --port "$redis_port" --port "$understudy_port" --seed "$seed" \
    --requests "$requests" "${options[@]}" || fail "$mode, seed $seed"
  # Every other seed in RESP3.
  if ((${#options[@]})); then options=(); else options=(--resp3); fi
done
[[ $mode == local ]] && wait_same_digest
pass "differential, $mode"
