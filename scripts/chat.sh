#!/usr/bin/env bash
# A small chat in the terminal: scripts/chat.sh ROOM NICK [PORT] [HOST]
#
# What you type goes to everyone in the room, on whichever node they are; what they type appears as
# it comes. /users shows who is there, /history [N] the last N messages, /quit or Ctrl-D leaves. When
# the node goes away, it tries again until it is back, or another one at the ports in
# UNDERSTUDY_PORTS ("7001 7002 7003"), and shows what was missed meanwhile, once.
#
# It speaks the protocol itself (RESP3, over bash's /dev/tcp), so that what is received appears while
# one types. Needs bash 5.
set -u

usage() {
  sed -n '2,8p' "$0" | sed 's/^# \{0,1\}//' >&2
  exit 2
}
(($# >= 2 && $# <= 4)) || usage
room=$1 nick=$2 port=${3:-7001} host=${4:-127.0.0.1}
ports=("$port")
for other in ${UNDERSTUDY_PORTS:-}; do [[ $other == "$port" ]] || ports+=("$other"); done
last=-1 # id of the newest message shown; -1: none yet
LC_ALL=C

# send WORD...: one command.
send() {
  local word
  printf '*%d\r\n' $# >&"$server" || return 1
  for word; do printf '$%d\r\n%s\r\n' "${#word}" "$word" >&"$server" || return 1; done
} 2>/dev/null

# read_value: one RESP value into the array `value`: its type, then its elements, flattened.
read_value() {
  local line type count rest text i
  IFS= read -r -u "$server" line || return 1
  line=${line%$'\r'} type=${line:0:1} rest=${line:1}
  case $type in
    '$' | '=')
      ((rest >= 0)) || { value+=(""); return 0; }
      IFS= read -r -N "$rest" -u "$server" text || { ((rest == 0)) || return 1; }
      ((rest > 0)) || text=''
      IFS= read -r -u "$server" line || return 1
      value+=("$text")
      ;;
    '*' | '>' | '~' | '%')
      ((depth == 0)) && value+=("$type")
      count=$rest
      [[ $type != '%' ]] || count=$((count * 2))
      depth=$((depth + 1))
      for ((i = 0; i < count; i++)); do read_value || return 1; done
      depth=$((depth - 1))
      ;;
    *)
      ((depth == 0)) && value+=("$type")
      value+=("$rest")
      ;;
  esac
}

# What may go to a terminal: no control characters.
clean() { printf '%s' "${1//[$'\001'-$'\037'$'\177']/?}"; }
clock() { printf '%(%H:%M)T' $((${1:-0} / 1000)); }

show_message() { # id time nick text
  (($1 > last)) || return 0
  last=$1
  printf '%s <%s> %s\n' "$(clock "$2")" "$(clean "$3")" "$(clean "$4")"
}

show_value() {
  local i
  case "${value[0]:-}" in
    '>')
      [[ ${value[2]:-} == "$room" ]] || return 0
      case ${value[1]} in
        # What comes before the history is in it.
        chat.message) [[ $waiting == history ]] || show_message "${value[3]}" "${value[4]}" "${value[5]}" "${value[6]}" ;;
        chat.join)
          if [[ -n ${value[5]:-} ]]; then
            printf '%s * %s is now %s\n' "$(clock "${value[3]}")" "$(clean "${value[5]}")" \
              "$(clean "${value[4]}")"
          else
            printf '%s * %s joins\n' "$(clock "${value[3]}")" "$(clean "${value[4]}")"
          fi
          ;;
        chat.leave)
          printf '%s * %s leaves%s\n' "$(clock "${value[3]}")" "$(clean "${value[4]}")" \
            "${value[5]:+ ($(clean "${value[5]}"))}"
          # An earlier connection of ours; or the node was thought lost, and this one with it.
          [[ ${value[4]} != "$nick" || -z ${value[5]:-} ]] || join || return 1
          ;;
        chat.stop)
          printf '%s * %s closes the room\n' "$(clock "${value[3]}")" "$(clean "${value[4]}")"
          exit 0
          ;;
      esac
      ;;
    '*')
      if [[ $waiting == users ]]; then
        printf '* here: %s\n' "$(clean "${value[*]:1}")"
      else
        # Each: "id", its id, "time", its time, "nick", its nick, "text", its text.
        [[ $waiting != again ]] || last=-1
        for ((i = 1; i + 7 < ${#value[@]}; i += 8)); do
          show_message "${value[i + 1]}" "${value[i + 3]}" "${value[i + 5]}" "${value[i + 7]}"
        done
      fi
      waiting=''
      ;;
    '-') printf '! %s\n' "$(clean "${value[1]}")" ;;
  esac
  return 0
}

# Joining again changes nothing for who is there.
join() {
  send CHAT.JOIN "$room" "$nick" || return 1
  waiting=history
  if ((last >= 0)); then
    send CHAT.HISTORY "$room" SINCE "$last"
  else
    send CHAT.HISTORY "$room" COUNT 10
  fi
}

# Joins through the first port that answers; false: none does.
connect() {
  local candidate
  for candidate in "${ports[@]}"; do
    if { exec {server}<>"/dev/tcp/$host/$candidate"; } 2>/dev/null; then
      depth=0 waiting=''
      value=()
      send HELLO 3 || continue
      read_value || continue
      join || continue
      return 0
    fi
  done
  return 1
}

say() {
  case $1 in
    '') return 0 ;;
    /quit) exit 0 ;;
    /users) waiting=users && send CHAT.USERS "$room" ;;
    /history | '/history '[0-9]*)
      local count=${1#/history}
      waiting=again && send CHAT.HISTORY "$room" COUNT "${count:-10}"
      ;;
    *) send CHAT.SEND "$room" "$1" ;;
  esac
}

connect || { echo "! no node answers at $host, port ${ports[*]}" >&2; exit 1; }
echo "* in $(clean "$room") as $(clean "$nick"); /users, /history, /quit"
trap 'echo; exit 0' INT TERM
while true; do
  alive=1
  # Whatever has come, then what was typed.
  while read -r -t 0 -u "$server"; do
    value=() depth=0
    { read_value && show_value; } || { alive=0 && break; }
  done
  if ((alive)); then
    line=''
    IFS= read -r -t 0.1 line
    status=$?
    ((status == 0 || status > 128)) || exit 0 # the end of the input
    partial=${partial:-}$line
    ((status == 0)) || continue
    line=$partial partial=''
    say "$line" || alive=0
  fi
  ((alive)) && continue
  exec {server}>&- 2>/dev/null
  echo "! the connection is gone, trying again"
  until connect; do sleep 0.3; done
  echo "* back in the room"
  [[ -z ${line:-} ]] || line=''
done
