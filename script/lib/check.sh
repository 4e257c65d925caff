# The checks that read the source without running it. Sourced by script/test; each check counts as one test.
# shellcheck shell=bash disable=SC2154  # common.sh sets root, suite.sh work

# check NAME COMMAND ARGS…: run it, show what it says when it fails.
check() {
  local -r name=$1
  shift
  if "$@" >"$work/check.log" 2>&1; then
    count 1 0
    printf 'ok    %s\n' "$name"
  else
    count 0 1
    sed 's/^/      /' "$work/check.log"
    printf 'FAIL  %s\n' "$name"
  fi
}

# tidy.py counts its own tests: each rule, and whether the rule can fail.
run_tidy() {
  local status=0 good bad
  /usr/bin/python3 -B tests/tidy/tidy.py >"$work/tidy.log" 2>&1 || status=$?
  good=$(sum_of '^([0-9]+) passed' "$work/tidy.log")
  bad=$(sum_of '^[0-9]+ passed, ([0-9]+) failed' "$work/tidy.log")
  settle "$status" "$good" "$bad" 0 tidy "$work/tidy.log"
}

run_lint() {
  check 'clang-format' check_format
  check 'clang-tidy' check_clang_tidy
  check 'luacheck' luacheck -q --no-color config.lua lua spec
  check 'shellcheck' check_shell
}

files() {
  git ls-files -z --cached --others --exclude-standard -- "$@"
}

check_format() {
  files 'src/*.[ch]' 'tests/*.[ch]' | xargs -0 clang-format --dry-run --Werror
}

# GCC knows the flag, clang 14 wants another one with it that says it will go away.
check_clang_tidy() {
  jq -j --arg src "$root/src/" '.[].file | select(startswith($src)) | . + "\u0000"' build/compile_commands.json |
    xargs -0 -P "$(nproc)" -n 4 clang-tidy -quiet -p build --extra-arg=-ftrivial-auto-var-init=uninitialized
}

check_shell() {
  local file
  local -a scripts=()
  while IFS= read -r -d '' file; do
    if [[ $file == *.sh || $(head -n 1 -- "$file") =~ ^'#!'.*sh$ ]]; then
      scripts+=("$file")
    fi
  done < <(files script .ci)
  shellcheck "${scripts[@]}"
}
