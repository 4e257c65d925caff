# The test suites that run the code, and their counts. Sourced by script/test.
# shellcheck shell=bash disable=SC2154  # common.sh sets root, postgres.sh pg_…

work='' # a folder for this run only
passed=0
failed=0
skipped=0
test_pg_folder=''

# count PASSED FAILED [SKIPPED]
count() {
  passed=$((passed + $1))
  failed=$((failed + $2))
  skipped=$((skipped + ${3:-0}))
}

# settle STATUS PASSED FAILED SKIPPED NAME LOG: count what a runner said. One that failed without naming a test, or ran none,
# is one failure itself. The log is shown when there is something to see.
settle() {
  local bad=$3
  if ((bad == 0)) && (($1 != 0 || $2 == 0)); then
    bad=1
  fi
  count "$2" "$bad" "$4"
  if ((bad)); then
    cat -- "$6"
    printf '%s ended with status %d\n' "$5" "$1"
  fi
  printf '%-40s %d passed, %d failed\n' "$5:" "$2" "$bad"
}

report() {
  if ((skipped)); then
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  else
    printf '%d passed, %d failed\n' "$passed" "$failed"
  fi
  ((failed == 0 && passed > 0))
}

# A cluster that lives for one run: speed instead of durability. Its folder is closed to other users, so within it every
# role may log in without more.
start_test_postgres() {
  pg_owner=$(pg_default_owner)
  test_pg_folder=$(mktemp -d /var/tmp/lexicraft-test-XXXXXX)
  if is_root; then
    chown "$pg_owner:" -- "$test_pg_folder"
  fi
  pg_use "$test_pg_folder/data"
  pg_create 'max_connections = 200' 'fsync = off' 'synchronous_commit = off' 'full_page_writes = off' \
    "log_min_messages = fatal"
  pg_start trust
  pg_create_roles
  LEXICRAFT_TEST_PG=$(pg_url postgres postgres)
  export LEXICRAFT_TEST_PG
}

# PgBouncer in transaction mode before that cluster, on a socket beside it. The servers and specs under test go through it;
# migrations, and tests that look into the database themselves, do not.
start_test_pooler() {
  local -r config=$test_pg_folder/pgbouncer.ini users=$test_pg_folder/users
  local role
  for role in lexicraft_owner lexicraft lexicraft_test_owner lexicraft_test_serving; do
    printf '"%s" ""\n' "$role"
  done | pg_as tee "$users" >/dev/null
  {
    cat -- tests/e2e/pgbouncer.ini
    printf '%s = %s\n' auth_file "$users" unix_socket_dir "$test_pg_folder" logfile "$test_pg_folder/pgbouncer.log" \
      pidfile "$test_pg_folder/pgbouncer.pid"
    printf '[databases]\n* = host=%s\n' "$pg_socket"
  } | pg_as tee "$config" >/dev/null
  pg_as /usr/sbin/pgbouncer -q -d "$config"
  wait_until 10 pg_as test -S "$test_pg_folder/.s.PGSQL.6432" || die "PgBouncer did not start"
  LEXICRAFT_TEST_POOLER="postgresql:///postgres?host=$(percent_encode "$test_pg_folder")&port=6432"
  export LEXICRAFT_TEST_POOLER
}

stop_test_pooler() {
  local pid
  if pid=$(pg_as cat "$test_pg_folder/pgbouncer.pid" 2>/dev/null); then
    pg_as kill "$pid" || true
  fi
}

stop_test_postgres() {
  if [[ -n $test_pg_folder ]]; then
    stop_test_pooler
    pg_stop || true
    rm -rf -- "$test_pg_folder"
  fi
}

# One program per source file, each with a database of its own.
run_unit() {
  local folder=build source name database
  [[ $preset == release ]] || folder=build/$preset
  for source in tests/unit/test_*.c; do
    name=$(basename -- "$source" .c)
    database=$name
    pg_create_database "$database"
    DATABASE_URL=$(pg_url "$database" postgres) run_unit_program "$folder/tests/unit/$name"
  done
}

# cmocka says how many passed and failed.
run_unit_program() {
  local -r program=$1 log=$work/unit.log
  local status=0
  timeout 300 "$program" >"$log" 2>&1 || status=$?
  settle "$status" "$(sum_of '^\[  PASSED  \] ([0-9]+) test\(s\)' "$log")" \
    "$(sum_of '^\[  FAILED  \] ([0-9]+) test\(s\)' "$log")" "$(sum_of '^\[  SKIPPED \] ([0-9]+) test\(s\)' "$log")" \
    "${program##*/}" "$log"
}

# sum_of REGEX FILE: of the numbers that its first group matches.
sum_of() {
  sed -nE "s/$1.*/\\1/p" "$2" | awk '{ sum += $1 } END { print sum + 0 }'
}

# busted runs inside `lexicraft lua`, so specs use the real bindings; those of stores and actions the real database.
run_spec() {
  local -r log=$work/spec.log
  local status=0 errors
  pg_create_database spec
  (
    export DATABASE_URL LEXICRAFT_MIGRATION_URL LEXICRAFT_AUTH_KEY
    # A spec uses an address's attempts up; the default would take it minutes of hashing.
    export LEXICRAFT_LIMITS_LOGIN_ATTEMPTS_PER_ADDRESS=20
    LEXICRAFT_MIGRATION_URL=$(pg_url spec lexicraft_owner)
    DATABASE_URL=$(pg_url spec lexicraft)
    if [[ -n ${LEXICRAFT_TEST_POOLER:-} ]]; then
      DATABASE_URL="${LEXICRAFT_TEST_POOLER/\/postgres\?/\/spec?}&user=lexicraft"
      export LEXICRAFT_DATABASE_PREPARED_STATEMENTS=false
    fi
    LEXICRAFT_AUTH_KEY=$(random_text 48)
    "$LEXICRAFT_BINARY" migrate up
    timeout 600 busted --lua=script/lua -o plainTerminal spec
  ) >"$log" 2>&1 || status=$?
  errors=$(sum_of '^.* failures? \/ ([0-9]+) error' "$log")
  settle "$status" "$(sum_of '^([0-9]+) success[es]* \/ ' "$log")" \
    $((errors + $(sum_of '^[0-9]+ success[es]* \/ ([0-9]+) failure' "$log"))) \
    "$(sum_of '^.* errors? \/ ([0-9]+) pending' "$log")" spec "$log"
}

# The real program, a real PostgreSQL, real HTTP. Debian's Python, as another one would not have Debian's pytest.
run_e2e() {
  local status=0 all bad skipped_here
  timeout 1800 /usr/bin/python3 -B -m pytest tests/e2e --junitxml "$work/e2e.xml" || status=$?
  all=$(attribute tests)
  bad=$(($(attribute failures) + $(attribute errors)))
  skipped_here=$(attribute skipped)
  settle "$status" $((all - bad - skipped_here)) "$bad" "$skipped_here" e2e /dev/null
}

# attribute NAME: of the summary in pytest's report; 0 without a report.
attribute() {
  local text=''
  if [[ -r $work/e2e.xml ]]; then
    text=$(grep -oE "<testsuite [^>]*" "$work/e2e.xml" | grep -oE " $1=\"[0-9]+\"" | head -n 1 | tr -dc 0-9)
  fi
  printf '%d' "${text:-0}"
}
