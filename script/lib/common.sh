# Shared by every script: where the clone is, how to speak, how to wait. Sourced, never run.
# shellcheck shell=bash disable=SC2034  # what is set here is used where it is sourced

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
readonly root
cd -- "$root" || exit

step() {
  printf '==> %s\n' "$*" >&2
}

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

is_root() {
  [[ $EUID -eq 0 ]]
}

# wait_until SECONDS COMMAND ARGS…: repeat the command until it succeeds; fails when the seconds are over.
wait_until() {
  local -r deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# random_text BYTES: that many random bytes, as base64 with letters safe in files, URLs and e-mail addresses.
random_text() {
  head -c "$1" /dev/urandom | base64 -w 0 | tr '+/' '-_' | tr -d '='
}

# percent_encode TEXT: everything but unreserved characters, as a URL wants it.
percent_encode() {
  local -r text=$1
  local LC_ALL=C out='' char code i
  for ((i = 0; i < ${#text}; i++)); do
    char=${text:i:1}
    case $char in
    [a-zA-Z0-9._~-]) out+=$char ;;
    *)
      printf -v code '%d' "'$char"
      printf -v char '%%%02X' $((code & 255))
      out+=$char
      ;;
    esac
  done
  printf '%s' "$out"
}
