#!/usr/bin/env bash
# Networks that break, between nodes in network namespaces of their own: the global is cut off with its
# clients, packets get lost in one direction only, links break between the locals, a link is slow.
# Clients write through all nodes meanwhile; what they were told is checked afterwards. Findings of others
# that this covers: two leaders, writes of the cut-off one lost or answered with an error although they
# happened (Jepsen on Redis-Raft, 2020; RethinkDB, 2016; etcd, 2020); no leader any more after a one-way
# partition (Jepsen on NATS 2.12, 2025; the outage of Cloudflare's etcd, 2020).
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
[[ $(id -u) == 0 ]] || skip "network namespaces need root"
have ip || skip "ip (iproute2) is not installed"

# Namespaces and the bridge between them are named after this process, addresses after a free /24.
tag=us$$
remove_network() {
  local i
  for i in 1 2 3; do ip netns del "$tag-$i" 2>/dev/null || true; done
  ip link del "$tag" 2>/dev/null || true
}
end() {
  local status=$?
  trap - EXIT
  for i in "${!pid[@]}"; do kill -9 "${pid[$i]}" 2>/dev/null || true; done
  remove_network
  cleanup "$status"
}
trap end EXIT
ip netns add "$tag-1" 2>/dev/null || skip "network namespaces can't be made here"
net=10.$((200 + $$ % 50)).$((RANDOM % 250))
ip link add "$tag" type bridge 2>/dev/null || skip "a bridge can't be made here"
ip addr add "$net.254/24" dev "$tag" && ip link set "$tag" up
for i in 1 2 3; do
  ((i == 1)) || ip netns add "$tag-$i"
  ip link add "$tag.$i" type veth peer name eth0 netns "$tag-$i" || skip "a pair of links can't be made here"
  ip link set "$tag.$i" master "$tag" up
  ip -n "$tag-$i" addr add "$net.$i/24" dev eth0
  ip -n "$tag-$i" link set lo up
  ip -n "$tag-$i" link set eth0 up
done

# drop I J: packets from node I to node J get lost; restore I J. J may be `clients`.
address() { if [[ $1 == clients ]]; then say "$net.254"; else say "$net.$1"; fi; }
drop() { ip -n "$tag-$1" route add blackhole "$(address "$2")/32"; }
restore() { ip -n "$tag-$1" route del blackhole "$(address "$2")/32"; }
both_ways() {
  "$1" "$2" "$3"
  "$1" "$3" "$2"
}

at() { timeout 3 redis-cli -h "$net.$1" -p 7000 "${@:2}" 2>/dev/null || true; }
role_at() { at "$1" ROLE | head -n 1; }
start_in_namespace() {
  local i=$1
  shift
  mkdir -p "$work/node$i"
  ip netns exec "$tag-$i" "$server" --bind "$net.$i" --port 7000 --name "node$i" --dir "$work/node$i" \
    --protected-mode no "$@" </dev/null >>"$work/node$i.log" 2>&1 &
  pid[$i]=$!
  port[$i]=7000
}
answers() { [[ $(at "$1" PING) == PONG ]]; }
# The global that a majority follows: of those that think so, the one with the newest term.
global_of() {
  local i best='' best_term=-1 term
  for i in "$@"; do
    [[ $(role_at "$i") == master ]] || continue
    term=$(at "$i" INFO cluster | tr -d '\r' | sed -n 's/^cluster_term://p')
    if ((${term:-0} > best_term)); then best=$i best_term=${term:-0}; fi
  done
  [[ -n $best ]] && say "$best"
}
has_one() { global_of "$@" >/dev/null; }
follows() { [[ $(at "$1" ROLE | sed -n 4p) == connected || $(role_at "$1") == master ]]; }
all_follow_one() {
  local i masters=0
  for i in 1 2 3; do
    [[ $(role_at "$i") != master ]] || masters=$((masters + 1))
    follows "$i" || return 1
  done
  ((masters == 1)) && [[ $(at "$(global_of 1 2 3)" INFO cluster) == *cluster_voters:3* ]]
}
healed() { until_true 20 "all follow one global" all_follow_one; }
same_state() {
  local one two three
  one=$(at 1 DEBUG DIGEST) two=$(at 2 DEBUG DIGEST) three=$(at 3 DEBUG DIGEST)
  [[ $one =~ ^[0-9a-f]{40}$ && $one == "$two" && $one == "$three" ]]
}

start_in_namespace 1
until_true 10 "node1 answers" answers 1
start_in_namespace 2 --join "$net.1:7000"
start_in_namespace 3 --join "$net.1:7000"
healed
CLIENT_SERVERS=$net.1:7000,$net.2:7000,$net.3:7000 start_client --timeout 4000
sleep 0.5

step "the global is cut off from the others, its clients stay with it"
old=$(global_of 1 2 3) others=()
for i in 1 2 3; do ((i == old)) || others+=("$i"); done
exec 6<>"/dev/tcp/$net.$old/7000"
note_event "node$old, the global, is cut off"
for i in "${others[@]}"; do both_ways drop "$old" "$i"; done
printf 'SET cut-off 1\r\nGET cut-off\r\n' >&6
until_true 10 "another global" has_one "${others[@]}"
expect "what the old global says of a write meanwhile" '' "$(head -c 1 <(timeout 0.3 cat <&6))"
sleep 0.5
note_event "it is back"
for i in "${others[@]}"; do both_ways restore "$old" "$i"; done
read -r -t 10 line <&6 || fail "the cut-off global's client gets no reply"
expect "the write at the cut-off global" +OK "${line%$'\r'}"
read -r -t 10 _ <&6 && read -r -t 10 line <&6
expect "the read behind it" 1 "${line%$'\r'}"
exec 6>&-
healed

step "the global hears nobody, though all hear it"
old=$(global_of 1 2 3) others=()
for i in 1 2 3; do ((i == old)) || others+=("$i"); done
note_event "packets to node$old, the global, get lost"
for i in "${others[@]}"; do drop "$i" "$old"; done
sleep 2.5
note_event "they don't any more"
for i in "${others[@]}"; do restore "$i" "$old"; done
healed

step "nobody hears the global, though it hears all"
old=$(global_of 1 2 3) others=()
for i in 1 2 3; do ((i == old)) || others+=("$i"); done
note_event "packets of node$old, the global, to the others get lost"
for i in "${others[@]}"; do drop "$old" "$i"; done
sleep 2.5
note_event "they don't any more"
for i in "${others[@]}"; do restore "$old" "$i"; done
healed

step "the locals don't hear each other: the global stays"
old=$(global_of 1 2 3) others=()
for i in 1 2 3; do ((i == old)) || others+=("$i"); done
note_event "no packets between the locals"
both_ways drop "${others[0]}" "${others[1]}"
sleep 1.5
expect "the global" "$old" "$(global_of 1 2 3)"
step "the global and one local don't hear each other either: the third is between them"
note_event "none between node$old, the global, and node${others[0]}"
both_ways drop "$old" "${others[0]}"
sleep 2
has_one 1 2 3 || fail "no global, though a majority hear each other"
both_ways restore "$old" "${others[0]}"
both_ways restore "${others[0]}" "${others[1]}"
healed

if ip netns exec "$tag-1" tc qdisc add dev eth0 root netem delay 30ms 10ms 2>/dev/null; then
  step "slow links"
  for i in 2 3; do ip netns exec "$tag-$i" tc qdisc add dev eth0 root netem delay 30ms 10ms loss 1%; done
  sleep 2
  for i in 1 2 3; do ip netns exec "$tag-$i" tc qdisc del dev eth0 root; done
  healed
else
  say "SKIPPED in part: no slow links, as this kernel has no netem"
fi
step "the client's report"
finish_client
until_true 20 "equal DEBUG DIGEST on all nodes" same_state
pass "partitions"
