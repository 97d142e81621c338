#!/usr/bin/env bash
# A target of one's own, from outside: Understudy is installed, the example (targets/example) is built
# against what was installed, and loaded: by --loadtarget and by TARGET.LOAD. What isn't a target is
# refused with the reason.
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "$0")/lib.sh"
have cmake || skip "cmake is not installed"

step "install, and build the example against that"
cmake --install "$build" --prefix "$work/prefix" --component target >"$work/install.log" 2>&1 ||
  fail "cmake --install: $(tail -n 3 "$work/install.log")"
[[ -f $work/prefix/include/understudy/target.h ]] || fail "the header isn't installed"
cp -r "$root/targets/example" "$work/example"
{
  cmake -S "$work/example" -B "$work/example/build" -DCMAKE_PREFIX_PATH="$work/prefix" &&
    cmake --build "$work/example/build"
} >"$work/build.log" 2>&1 || fail "the example doesn't build: $(tail -n 20 "$work/build.log")"
plugin=$work/example/build/lock_service.so
exported=$(nm -D --defined-only "$plugin" 2>/dev/null | grep -c ' T ') || exported=1
((exported == 1)) || fail "the plug-in exports $exported functions"

step "what isn't a target is refused"
types_have() { ask "${port[$1]}" TARGET.TYPES | grep -qx "$2"; }
start_node 1
[[ $(ask "${port[1]}" TARGET.LOAD "$work/nosuch.so") == "ERR "*"nosuch.so"* ]] || fail "a missing file"
echo 'int nothing;' >"$work/none.c"
if have cc && cc -shared -fPIC -o "$work/none.so" "$work/none.c"; then
  [[ $(ask "${port[1]}" TARGET.LOAD "$work/none.so") == *"is no target"* ]] || fail "no target"
fi
types_have 1 lock_service && fail "the type is there before it is loaded"
[[ $(ask "${port[1]}" TARGET.LOAD "$plugin") == OK ]] || fail "TARGET.LOAD"
[[ $(ask "${port[1]}" TARGET.LOAD "$plugin") == OK ]] || fail "TARGET.LOAD again"
types_have 1 lock_service || fail "the type isn't there after it was loaded"
stop_node 1
if "$server" --port 0 --dir "$work" --loadtarget "$work/none.so" >"$work/refused.log" 2>&1; then
  fail "the server starts without the target it is told to load"
fi
start_node 1 --loadtarget "$plugin"
types_have 1 lock_service || fail "the type isn't there after --loadtarget"
pass "plug-ins"
