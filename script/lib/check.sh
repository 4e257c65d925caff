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

# Names the files that are not as .clang-format wants them.
check_format() {
  files 'src/*.[ch]' 'tests/*.[ch]' | xargs -0 clang-format --dry-run --Werror 2>&1 |
    sed -nE 's/^([^: ]+\.[ch]):[0-9]+:.*/\1/p' | sort -u >"$work/format.log"
  cat -- "$work/format.log"
  [[ ! -s $work/format.log ]]
}

# One file a run: clang-tidy 14 sees uninitialised va_lists in the second file of one. GCC knows the flag, clang 14 wants
# another one with it that says it will go away.
check_clang_tidy() {
  jq -j --arg src "$root/src/" '.[].file | select(startswith($src)) | . + "\u0000"' build/compile_commands.json |
    xargs -0 -P "$(nproc)" -n 1 clang-tidy -quiet -p build --extra-arg=-ftrivial-auto-var-init=uninitialized 2>"$work/clang-tidy.log"
}

check_shell() {
  local file
  local -a scripts=()
  while IFS= read -r -d '' file; do
    if [[ $file == *.sh || $(head -n 1 -- "$file") =~ ^'#!'.*sh$ ]]; then
      scripts+=("$file")
    fi
  done < <(files script .ci tests)
  shellcheck "${scripts[@]}"
}
