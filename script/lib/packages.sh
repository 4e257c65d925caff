# Debian packages the project needs, and how they get onto the machine. Sourced after common.sh.
# shellcheck shell=bash disable=SC2034  # the lists are used where this is sourced

# To build, serve and try out.
readonly packages_serve=(
  build-essential cmake ninja-build pkg-config
  liblua5.4-dev libpq-dev libmicrohttpd-dev libcjson-dev libuv1-dev libsodium-dev
  postgresql wordnet-base scowl curl ca-certificates jq
)
# To run every test and check.
readonly packages_test=(
  libcmocka-dev lua-busted lua-check
  clang clang-tidy clang-format libclang-rt-14-dev
  python3 python3-pytest pgbouncer shellcheck wrk valgrind
)
# To measure.
readonly packages_bench=(
  wrk valgrind python3
)
# Of the servers that `script/bench peers` compares with.
readonly packages_peers=(
  python3-fastapi uvicorn python3-uvloop python3-httptools python3-sqlalchemy python3-psycopg2 python3-asyncpg
)

package_installed() {
  [[ $(dpkg-query -W -f='${Status}' "$1" 2>/dev/null) == 'install ok installed' ]]
}

as_root() {
  if is_root; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    die "need root to run: $* (become root, or install sudo)"
  fi
}

# install_packages NAME…: only what is missing; no network and no root are needed when nothing is.
install_packages() {
  local package
  local -a missing=()
  for package in "$@"; do
    package_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null || die "not a Debian system; install by hand: ${missing[*]}"
  step "installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update </dev/null >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
    -o DPkg::Lock::Timeout=120 install "${missing[@]}" </dev/null >&2
}
