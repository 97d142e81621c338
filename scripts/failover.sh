#!/usr/bin/env bash
# How long clients of the surviving nodes wait when the global goes, as histograms: it is killed (-9),
# hands the lock over, or is frozen as if its host were lost. Three nodes on this machine, each with the
# disk of the build directory; clients at every node but the one that goes ask for one write after the
# other. Exit status 1 if a client got an error or lost its connection, or a number that they were given
# (NEXTID, INCR) was given twice or skipped.
#
#   scripts/failover.sh [--kills N] [--handovers N] [--freezes N] [--lock-ttl MS] [--fsync POLICY]
#                       [--keys N] [--saving]
#
#   --kills, --handovers, --freezes   how many (100, 100, 20)
#   --lock-ttl MS                     the nodes' (1000)
#   --fsync POLICY                    the nodes' --appendfsync (always)
#   --keys N                          in the key space (0)
#   --saving                          all nodes save a snapshot of it at each event
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "$0")/common.sh"

for option in "$@"; do
  case $option in
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"
      exit 0
      ;;
  esac
done
need build
[[ ${UNDERSTUDY_NO_BUILD:-} == 1 ]] || configure
[[ ${UNDERSTUDY_NO_BUILD:-} == 1 ]] || compile understudy-server failover_timer >"$build/build.log" 2>&1 ||
  die "the build failed; see $build/build.log"

# Beside the build, not in /tmp: that may be memory, on which an fsync costs nothing.
work=$(mktemp -d "$build/failover.XXXXXX")
cleanup() {
  rm -rf "$work"
  release_ports
}
trap cleanup EXIT
"$build/failover_timer" --server "${UNDERSTUDY_SERVER:-$build/understudy-server}" --dir "$work" \
  --ports "$(free_port)" "$(free_port)" "$(free_port)" "$@"
