# Node.js and the npm packages of package.json, which only tests need. Sourced after common.sh and packages.sh.
# shellcheck shell=bash disable=SC2154  # common.sh sets root

node_program='' # what runs the oracles, once node_prepare has been called

# node_is_recent PROGRAM: is it there, and new enough for ts-fsrs?
node_is_recent() {
  local major
  major=$("$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null) && ((major >= 20))
}

# What package-lock.json lists, and where the machine's own Node.js is older than 20 (Debian 12 has 18) the one listed there
# too. No network is needed when nothing is missing.
node_prepare() {
  local -a which=(--omit=optional)
  command -v npm >/dev/null || install_packages npm
  node_program=node
  if ! node_is_recent node; then
    node_program=$root/node_modules/.bin/node
    which=(--include=optional)
  fi
  if ! cmp -s package-lock.json node_modules/.installed || ! node_is_recent "$node_program"; then
    step "installing the npm packages of package.json"
    npm ci --include=dev "${which[@]}" --no-audit --no-fund --loglevel=error </dev/null >&2
    cp -- package-lock.json node_modules/.installed
  fi
  node_is_recent "$node_program" || die "need Node.js 20 or newer"
}
