#!/usr/bin/env bash
# Understudy beside Debian's redis-server on this machine: both are measured in turns in one run, the
# medians of several rounds are compared, and what counts is the ratio.
#
#   scripts/bench.sh [--quick] [--rounds N] [--seconds S] [--only REGEX] [--check] [--raw FILE]
#
#   --quick        one short round: whether it works, not how fast it is
#   --rounds N     rounds of each measurement (3)
#   --seconds S    length of one measurement (3)
#   --only REGEX   only rows that match: single, three, everysec, always, memory, SET, GET, pipeline 32
#   --check        fail if a ratio misses its aim
#   --raw FILE     every single result: row, system, value
#
# Rows:
#   single   one node, no persistence; 50 connections, values of 64 bytes, 100,000 keys
#   three    three nodes, each write committed by a majority, its log fsynced every second or always;
#            beside redis-server with two replicas and the same fsync policy, asynchronous, and with
#            WAIT 1 after each write, or after each batch (which asks less of Redis)
#   memory   resident memory with a million keys of 16 bytes and values of 64 bytes
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "$0")/common.sh"

rounds=3 seconds=3 warm_up=0.5 only=. check=0 raw=
connections=50 keys=100000 value=64 memory_keys=1000000
while (($#)); do
  case $1 in
    --quick) rounds=1 seconds=0.5 warm_up=0.2 memory_keys=200000 ;;
    --rounds) rounds=${2:?} && shift ;;
    --seconds) seconds=${2:?} && shift ;;
    --only) only=${2:?} && shift ;;
    --check) check=1 ;;
    --raw) raw=${2:?} && shift ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"
      exit 0
      ;;
    *) die "unknown option $1; see --help" ;;
  esac
  shift
done

need build bench
[[ ${UNDERSTUDY_NO_BUILD:-} == 1 ]] || configure
[[ ${UNDERSTUDY_NO_BUILD:-} == 1 ]] || compile understudy-server load_generator >"$build/build.log" 2>&1 ||
  die "the build failed; see $build/build.log"
grep -q '^CMAKE_BUILD_TYPE:.*=Release$' "$build/CMakeCache.txt" || warn "Note: $build is not a Release build."
server=$build/understudy-server load_generator=$build/load_generator

# Beside the build, not in /tmp: that may be memory, on which an fsync costs nothing.
work=$(mktemp -d "$build/bench.XXXXXX")
results=$work/results
: >"$results"
pids=()
cleanup() {
  stop_all
  rm -rf "$work"
  release_ports
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# --- servers ----------------------------------------------------------------------------------
stop_all() {
  local pid
  for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
  rm -rf "$work"/node*
}
# launch PORT PROGRAM OPTION...: waits until it answers; its process id is then the last of pids.
launch() {
  local port=$1 dir=$work/node$1
  shift
  mkdir -p "$dir"
  "$@" --port "$port" --dir "$dir" --bind 127.0.0.1 </dev/null >"$dir.log" 2>&1 &
  pids+=($!)
  for _ in {1..200}; do
    [[ $(ask "$port" PING) == PONG ]] && return 0
    kill -0 "${pids[-1]}" 2>/dev/null || break
    sleep 0.05
  done
  tail -n 20 "$dir.log" >&2
  die "$1 did not start"
}
until_true() { # SECONDS COMMAND...
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || die "gave up waiting: $*"
    sleep 0.05
  done
}
redis() {
  local port=$1
  shift
  launch "$port" redis-server --save '' --auto-aof-rewrite-percentage 0 --repl-diskless-sync yes \
    --repl-diskless-sync-delay 0 "$@"
}
understudy() {
  local port=$1
  shift
  launch "$port" "$server" --name "node$port" "$@"
}
replicas_online() { [[ $(ask "$1" INFO replication | grep -c 'state=online') == 2 ]]; }
# Each prints nothing and leaves the port to be asked in $port.
port=
start_redis_single() { port=$(free_port) && redis "$port" --appendonly no; }
start_understudy_single() {
  port=$(free_port) && understudy "$port" --appendonly no
  until_true 20 is_master "$port"
}
is_master() { [[ $(role "$1") == master ]]; }
start_redis_three() { # POLICY
  local replica
  port=$(free_port)
  redis "$port" --appendonly yes --appendfsync "$1"
  for _ in 1 2; do
    replica=$(free_port)
    redis "$replica" --appendonly yes --appendfsync "$1" --replicaof "127.0.0.1 $port"
  done
  until_true 20 replicas_online "$port"
}
start_understudy_three() { # POLICY
  local other
  port=$(free_port)
  understudy "$port" --appendonly yes --appendfsync "$1"
  until_true 20 is_master "$port"
  for _ in 1 2; do
    other=$(free_port)
    understudy "$other" --appendonly yes --appendfsync "$1" --join "127.0.0.1:$port"
  done
  until_true 20 all_vote "$port" 3
}

# --- measuring --------------------------------------------------------------------------------
wanted() { [[ $1 =~ $only ]]; }
note() { # ROW SYSTEM VALUE
  printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$results"
  [[ -z $raw ]] || printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$raw"
}
generate() { "$load_generator" --servers "127.0.0.1:$port" --connections "$connections" --value-size "$value" --machine "$@"; }
rate() { # OPTION...: operations a second
  local line
  line=$(generate --seconds "$seconds" --warm-up "$warm_up" --keys "$keys" "$@") || die "a measurement failed"
  line=${line#*ops_per_second=}
  say "${line%% *}"
}
fill() { generate --requests "$1" --keys "$1" --sequential --pipeline 100 --command set >/dev/null || die "filling failed"; }

# Both servers stand; each row is measured at one and at once at the other, so that what changes in
# the machine meets both. Who goes first changes with the round.
measure_single() { # ROUND
  local pipeline command row result system order=(redis understudy)
  local -A ports=()
  (($1 % 2)) || order=(understudy redis)
  for system in "${order[@]}"; do
    "start_${system}_single"
    ports[$system]=$port
    fill "$keys"
  done
  for pipeline in 1 32; do
    for command in SET GET; do
      row="single, $command, pipeline $pipeline"
      wanted "$row" || continue
      for system in "${order[@]}"; do
        port=${ports[$system]}
        result=$(rate --pipeline "$pipeline" --command "${command,,}")
        note "$row" "$system" "$result"
      done
    done
  done
  stop_all
}

# One measurement a start: what the ones before wrote is gone, files included.
measure_three() { # SYSTEM POLICY PIPELINE ROW OPTION...
  local system=$1 policy=$2 pipeline=$3 row=$4 result
  shift 4
  "start_${system}_three" "$policy"
  result=$(rate --pipeline "$pipeline" --command set "$@")
  note "$row" "$system" "$result"
  stop_all
}
three_rows() { # POLICY PIPELINE
  local row="three, $1, SET, pipeline $2"
  if ! wanted "$row"; then return 0; fi
  measure_three understudy "$1" "$2" "$row"
  measure_three redis "$1" "$2" "$row: asynchronous"
  measure_three redis "$1" "$2" "$row: WAIT 1 after each" --wait 1
  if (($2 > 1)); then
    measure_three redis "$1" "$2" "$row: WAIT 1 a batch" --wait 1 --wait-per-batch
  fi
}

measure_memory() { # SYSTEM
  "start_$1_single"
  fill "$memory_keys"
  note "memory, KB" "$1" "$(awk '/^VmRSS:/ {print $2}' "/proc/${pids[0]}/status")"
  stop_all
}

for ((round = 1; round <= rounds; round++)); do
  warn "round $round of $rounds"
  if wanted "single, SET, pipeline 1" || wanted "single, GET, pipeline 32" || wanted "single, SET, pipeline 32" ||
    wanted "single, GET, pipeline 1"; then
    measure_single "$round"
  fi
  for policy in everysec always; do
    for pipeline in 1 32; do three_rows "$policy" "$pipeline"; done
  done
  if wanted "memory, KB"; then
    measure_memory redis
    measure_memory understudy
  fi
done

# --- the table --------------------------------------------------------------------------------
of() { awk -F'\t' -v r="$1" -v s="$2" '$1 == r && $2 == s {print $3}' "$results"; } # ROW SYSTEM
median() { # of the lines of its input; empty if there are none
  sort -n | awk '{v[NR] = $1} END {if (NR) print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'
}
missed=0
# line LABEL ROW_OF_REDIS ROW_OF_UNDERSTUDY AIM [most]: the aim is the least ratio, or the most.
line() {
  local theirs ours ratio sign='>='
  [[ -z ${5:-} ]] || sign='<='
  theirs=$(of "$2" redis | median)
  ours=$(of "$3" understudy | median)
  [[ -n $theirs && -n $ours ]] || return 0
  # Of the ratios within each round, which were measured next to each other.
  ratio=$(paste <(of "$2" redis) <(of "$3" understudy) | awk '$1 > 0 {print $2 / $1}' | median)
  printf '%-66s %12.0f %12.0f %7.2f' "$1" "$theirs" "$ours" "$ratio"
  if [[ -n $4 ]]; then
    printf '   %s %s' "$sign" "$4"
    if awk -v r="$ratio" -v aim="$4" -v sign="$sign" 'BEGIN {exit sign == ">=" ? r >= aim : r <= aim}'; then
      printf '  missed'
      missed=$((missed + 1))
    fi
  fi
  printf '\n'
}
say
say "$(redis-server --version | sed 's/ sha=.*//'); $("$server" --version 2>/dev/null | head -n 1); $(getconf _NPROCESSORS_ONLN) processors; medians of $rounds rounds of $seconds s, of the ratios too; operations a second"
declare -A aims=([single-1]=1.1 [single-32]=1.4 [everysec]=1.0 [always]=0.9)
printf '\n%-66s %12s %12s %7s   %s\n' '' redis-server understudy ratio aim
for pipeline in 1 32; do
  for command in SET GET; do
    row="single, $command, pipeline $pipeline"
    line "one node, no persistence, $command, pipeline $pipeline" "$row" "$row" "${aims[single-$pipeline]}"
  done
done
for policy in everysec always; do
  for pipeline in 1 32; do
    row="three, $policy, SET, pipeline $pipeline"
    aim=${aims[$policy]}
    label="three nodes, $policy, SET, pipeline $pipeline"
    line "$label; 2 replicas, asynchronous" "$row: asynchronous" "$row" ""
    line "$label; WAIT 1 each" "$row: WAIT 1 after each" "$row" "$aim"
    line "$label; WAIT 1 a batch" "$row: WAIT 1 a batch" "$row" ""
  done
done
line "memory of $memory_keys keys, KB" "memory, KB" "memory, KB" 1.0 most
if ((check && missed)); then die "$missed aims missed"; fi
