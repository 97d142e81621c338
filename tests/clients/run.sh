#!/usr/bin/env bash
# A client library at a three-node cluster, through the global and through a local:
#   tests/clients/run.sh python|ioredis|node_redis|hiredis
# Skipped, with a word, where the library can't be had.
# shellcheck source-path=SCRIPTDIR source=../lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck disable=SC2154  # from ../lib.sh
here=$root/tests/clients

# Installs the two npm packages into the build directory, once for this package-lock.json.
npm_packages() {
  local into=$build/clients
  have node || skip "node is not installed"
  have npm || skip "npm is not installed"
  mkdir -p "$into"
  exec 9>"$into/lock"
  if have flock; then flock 9; fi
  if ! cmp -s "$here/package-lock.json" "$into/installed"; then
    cp "$here/package.json" "$here/package-lock.json" "$into/"
    if ! (cd "$into" && timeout 300 npm ci --no-audit --no-fund >npm.log 2>&1); then
      tail -n 5 "$into/npm.log"
      skip "npm can't install $(grep -o '"ioredis"\|"redis"' "$here/package.json" | tr -d '"' | tr '\n' ' ')(see above)"
    fi
    cp "$here/package-lock.json" "$into/installed"
  fi
  exec 9>&-
  export NODE_PATH=$into/node_modules
}

case ${1:-} in
  python)
    python=$(python_with_redis) || skip "no Python has the module redis (Debian: python3-redis)"
    command=("$python" "$here/python_client.py")
    ;;
  ioredis | node_redis)
    npm_packages
    command=(node "$here/$1_client.js")
    ;;
  hiredis) command=("$build/hiredis_client") ;;
  *) fail "which client?" ;;
esac

start_cluster 3
global=$(who_is_global)
local_node=$((global % 3 + 1))
timeout 100 "${command[@]}" "${port[$global]}" "${port[$local_node]}" || fail "the client found something wrong"
wait_same_digest
pass "$1"
