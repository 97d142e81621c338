#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. The last line is ctest's summary.
#
#   scripts/test.sh [--asan | --tsan] [--only REGEX] [--label REGEX] [--quick] [--no-install]
#
#   --asan, --tsan   build with the sanitizers, in a directory of its own
#   --only REGEX     only the tests whose name matches
#   --label REGEX    only the tests with such a label (unit, process, client, ...)
#   --quick          leave out the tests that start processes
#   --no-install     don't install anything; say what is missing
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "$0")/common.sh"

cmake_options=()
ctest_options=()
install=1
while (($#)); do
  case $1 in
    --asan) build=${UNDERSTUDY_BUILD:-$root/build-asan} && cmake_options+=(-DCMAKE_BUILD_TYPE=RelWithDebInfo -DUNDERSTUDY_ASAN=ON) ;;
    --tsan) build=${UNDERSTUDY_BUILD:-$root/build-tsan} && cmake_options+=(-DCMAKE_BUILD_TYPE=RelWithDebInfo -DUNDERSTUDY_TSAN=ON) ;;
    --only) ctest_options+=(-R "${2:?--only needs a regular expression}") && shift ;;
    --label) ctest_options+=(-L "${2:?--label needs a regular expression}") && shift ;;
    --quick) ctest_options+=(-LE process) ;;
    --no-install) install=0 ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"
      exit 0
      ;;
    *) die "unknown option $1; see --help" ;;
  esac
  shift
done

if ((install)); then
  need build test
else
  missing build test | sed 's/^\([^|]*\)|\(.*\)/Missing: \2 (Debian: \1)/' >&2
fi
[[ -f $build/CMakeCache.txt ]] || [[ ${#cmake_options[@]} -gt 0 ]] || cmake_options=(-DCMAKE_BUILD_TYPE=Release)
configure "${cmake_options[@]}"
compile

cd "$build"
# Tests that start several servers claim two processors, so that they don't disturb each other's time.
processors=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
result=0
ctest -j "$((processors < 2 ? 2 : processors))" --output-on-failure "${ctest_options[@]}" 2>&1 |
  tee ctest.log || result=$?
# ctest puts the list of what was skipped or failed behind its summary; the summary is to be last.
grep -E '^[0-9]+% tests passed' ctest.log || say "ctest failed ($result)"
exit "$result"
