# Node.js and the npm packages of package.json: the viewer of /docs, and what only tests need. Sourced after common.sh and
# packages.sh.
# shellcheck shell=bash disable=SC2154  # common.sh sets root

node_program='' # what runs the programs of the tests, once node_prepare has been called

# node_is_recent PROGRAM: is it there, and new enough for ts-fsrs and redocly?
node_is_recent() {
  local major
  major=$("$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null) && ((major >= 20))
}

# npm_install MARK ARGUMENTS…: exactly what package-lock.json lists, unless MARK tells that it is there. Scripts of packages
# do not run, but for the one that brings Node.js.
npm_install() {
  local -r mark=node_modules/$1
  shift
  if cmp -s package-lock.json "$mark"; then
    return
  fi
  command -v npm >/dev/null || install_packages npm
  step "installing the npm packages of package.json"
  npm ci "$@" --no-audit --no-fund --loglevel=error </dev/null >&2
  cp -- package-lock.json "$mark"
}

# What package-lock.json lists, and where the machine's own Node.js is older than 20 (Debian 12 has 18) the one listed there
# too. No network is needed when nothing is missing.
node_prepare() {
  node_program=node
  if node_is_recent node; then
    npm_install .installed --include=dev --omit=optional --ignore-scripts
    return
  fi
  node_program=$root/node_modules/.bin/node
  node_is_recent "$node_program" || rm -f -- node_modules/.installed
  npm_install .installed --include=dev --include=optional
  node_is_recent "$node_program" || die "need Node.js 20 or newer"
}

# The viewer of /docs as a Lua module, lua/assets/swagger_ui.lua, so that it is one of the files a reload reads and hashes.
docs_prepare() {
  local -r module=lua/assets/swagger_ui.lua package=node_modules/swagger-ui-dist version_mark=node_modules/.installed
  if [[ -f $module && $module -nt package-lock.json ]]; then
    return
  fi
  cmp -s package-lock.json "$version_mark" || npm_install .installed-docs --omit=dev --omit=optional --ignore-scripts
  mkdir -p -- "${module%/*}"
  {
    printf -- '-- Made by script/lib/node.sh of the npm package swagger-ui-dist (Apache License 2.0).\nreturn {\n  script = [=======[\n'
    cat -- "$package/swagger-ui-bundle.js"
    printf ']=======],\n  style = [=======[\n'
    cat -- "$package/swagger-ui.css"
    printf ']=======],\n}\n'
  } >"$module.new"
  mv -- "$module.new" "$module"
}
