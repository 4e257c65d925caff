# Our own PostgreSQL clusters: made, started and stopped without touching any other. Sourced after common.sh.
# shellcheck shell=bash disable=SC2154  # common.sh sets root
#
# A cluster listens on a unix socket only. Its data folder has mode 0700 and normally holds the socket, so nobody but its
# owner and root gets near it. Who may log in as which role is decided by `peer`: the kernel tells PostgreSQL which system
# user is calling, so there is no password to make, store or leak, and other users of the machine are refused.
#
# PostgreSQL refuses to run as root: the cluster then belongs to the system user `postgres`.

pg_data=''   # the data folder, absolute and without links
pg_socket='' # the folder of its socket
pg_owner=''  # the system user it runs as
pg_bin=''    # where initdb and postgres are

# The longest path of a unix socket, in bytes (sockaddr_un without its final NUL), and what PostgreSQL calls it.
readonly pg_socket_path_max=107
readonly pg_socket_name=.s.PGSQL.5432

# pg_use FOLDER: look at the cluster in this folder from now on, made already or not.
pg_use() {
  if [[ -d $1 ]]; then
    pg_data=$(cd -- "$1" 2>/dev/null && pwd -P) || die "$1 belongs to $(stat -c %U -- "$1"); run this as that user or as root"
    pg_owner=$(stat -c %U -- "$pg_data")
    is_root || [[ $pg_owner == "$(id -un)" ]] || die "$1 belongs to $pg_owner; run this as that user or as root"
  else
    pg_data=$1
    pg_owner=$(pg_default_owner)
  fi
  pg_find_bin
}

# pg_use_place FOLDER: like pg_use, but when the cluster's owner cannot get there, because a folder above is closed to it
# (a clone under /root), the cluster lives under /var/tmp and FOLDER is a link to it. The name there is made of the
# clone's path, so that a copied clone gets a cluster of its own.
pg_use_place() {
  local -r folder=$1
  local far
  far=/var/tmp/lexicraft-$(printf '%s' "$folder" | sha256sum | head -c 16)
  pg_owner=$(pg_default_owner)
  if [[ ! -L $folder ]] && { [[ -d $folder ]] || pg_as test -x "$(dirname -- "$folder")"; }; then
    pg_use "$folder"
    return
  fi
  pg_private_folder "$far"
  ln -sfnT -- "$far/data" "$folder"
  pg_use "$far/data"
}

pg_default_owner() {
  if is_root; then
    printf postgres
  else
    id -un
  fi
}

# The newest PostgreSQL of the machine, or the one that made this cluster. Debian keeps its programs off the PATH.
pg_find_bin() {
  local version='' folder
  if [[ -d $pg_data ]]; then
    version=$(pg_as cat "$pg_data/PG_VERSION" 2>/dev/null) || version=''
  fi
  pg_bin=''
  while IFS= read -r folder; do
    [[ -x $folder/initdb ]] || continue
    [[ -z $version || $("$folder/postgres" --version) == *" $version."* ]] || continue
    pg_bin=$folder
  done < <(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V)
  [[ -n $pg_bin ]] || die "no PostgreSQL ${version:-server} found; run script/bootstrap"
}

# pg_as COMMAND ARGS…: run as the cluster's owner, from /, with an environment in which no PG… variable of the caller is left.
pg_as() {
  local -a command=(env -i "PATH=${pg_bin:-/usr/bin}:/usr/bin:/bin" LC_ALL=C.UTF-8 "$@")
  if is_root; then
    command=(setpriv "--reuid=$pg_owner" "--regid=$(id -g "$pg_owner")" --init-groups -- "${command[@]}")
  fi
  (cd / && exec "${command[@]}")
}

# pg_create LINE…: make the cluster if it is not there yet, with these lines in its settings. It is made beside and moved
# into place at the end, so that one that was interrupted is never mistaken for a whole one.
pg_create() {
  local -r fresh=$pg_data.new
  local line
  pg_as test -e "$pg_data/PG_VERSION" && return
  step "making a PostgreSQL cluster in $pg_data"
  rm -rf -- "$fresh"
  mkdir -m 700 -- "$fresh"
  if is_root; then
    chown "$pg_owner:" -- "$fresh"
  fi
  pg_as initdb -D "$fresh" -U postgres -E UTF8 --locale=C.UTF-8 -A peer --no-instructions >/dev/null
  {
    printf "listen_addresses = ''\n"
    printf "timezone = 'UTC'\nlog_timezone = 'UTC'\n"
    for line in "$@"; do
      printf '%s\n' "$line"
    done
    printf "include_if_exists = 'place.conf'\n"
  } | pg_as tee -a "$fresh/postgresql.conf" >/dev/null
  if [[ -d $pg_data ]]; then
    rmdir -- "$pg_data" || die "$pg_data is neither empty nor a PostgreSQL cluster"
  fi
  mv -T -- "$fresh" "$pg_data"
}

# pg_write_place AUTH: what depends on where the clone is and who calls. Written at every start, as a clone may be moved.
pg_write_place() {
  local caller
  pg_choose_socket
  pg_write place.conf "unix_socket_directories = '${pg_socket//\'/\'\'}'"
  pg_write pg_hba.conf '# TYPE DATABASE USER METHOD' "local all all $1"
  local -a lines=('# MAP SYSTEM-USER ROLE')
  for caller in $(printf '%s\n' "$pg_owner" "$(id -un)" | sort -u); do
    lines+=("project \"$caller\" postgres" "project \"$caller\" lexicraft_owner" "project \"$caller\" lexicraft")
  done
  pg_write pg_ident.conf "${lines[@]}"
}

# pg_write FILE LINE…: a file of the data folder, with these lines.
pg_write() {
  local -r file=$pg_data/$1
  shift
  printf '%s\n' "$@" | pg_as tee "$file" >/dev/null
}

# The socket lives in the data folder, unless its path would be too long for one, or could be taken for a list of paths.
pg_choose_socket() {
  local LC_ALL=C
  local -r path=$pg_data/$pg_socket_name
  if ((${#path} <= pg_socket_path_max)) && [[ $path != *[,\"]* ]]; then
    pg_socket=$pg_data
    return
  fi
  pg_socket=/tmp/lexicraft-$(printf '%s' "$pg_data" | sha256sum | head -c 16)
  pg_private_folder "$pg_socket"
}

# pg_private_folder FOLDER: make it for the owner alone. In a folder that everybody may write to, someone else could have
# made it first: then it is not used.
pg_private_folder() {
  local -r folder=$1
  if mkdir -m 700 -- "$folder" 2>/dev/null; then
    if is_root; then
      chown "$pg_owner:" -- "$folder"
    fi
  fi
  # stat does not follow a link, so a link is no directory here.
  [[ $(stat -c '%F %a %U' -- "$folder") == "directory 700 $pg_owner" ]] ||
    die "$folder is not a folder of mode 700 that belongs to $pg_owner; remove it"
}

# The pid in postmaster.pid, if it is that of a running server of this very data folder (a server's working folder).
pg_pid() {
  local pid
  pid=$(pg_as head -n 1 "$pg_data/postmaster.pid" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] && pg_works_here "$pid" && printf '%s' "$pid"
}

pg_works_here() {
  [[ $(readlink -- "/proc/$1/cwd") == "$pg_data" && $(readlink -- "/proc/$1/exe") == */postgres* ]]
}

# A server that was killed leaves its pid files. PostgreSQL sees through that, except when the pid was given to another
# process of the same user meanwhile: then the files go, but never while a process of the old server is left.
pg_forget_stale_pid() {
  local file pid
  for file in postmaster.pid $pg_socket_name.lock; do
    if [[ $file == postmaster.pid ]]; then
      file=$pg_data/$file
    else
      file=$pg_socket/$file
    fi
    pid=$(pg_as head -n 1 "$file" 2>/dev/null) || continue
    [[ $pid =~ ^[0-9]+$ && -d /proc/$pid ]] || continue
    wait_until 30 pg_no_process_left || die "processes of an old server still use $pg_data"
    pg_as rm -f -- "$file"
  done
}

pg_no_process_left() {
  local folder
  for folder in /proc/[0-9]*; do
    ! pg_works_here "${folder#/proc/}" 2>/dev/null || return 1
  done
}

# pg_start [AUTH]: start the cluster, unless it runs. It is detached: Ctrl-C in the terminal does not reach it.
pg_start() {
  pg_write_place "${1:-peer map=project}"
  if pg_pid >/dev/null; then
    pg_as pg_ctl -D "$pg_data" reload >/dev/null
  else
    pg_forget_stale_pid
    pg_as pg_ctl -D "$pg_data" -l "$pg_data/server.log" -w -t 120 start >/dev/null || {
      pg_as tail -n 20 "$pg_data/server.log" >&2
      die "PostgreSQL did not start"
    }
  fi
}

pg_stop() {
  if pg_pid >/dev/null; then
    pg_as pg_ctl -D "$pg_data" -m fast -w -t 60 stop >/dev/null
  fi
}

# Stop the cluster and remove it with everything in it.
pg_remove() {
  pg_stop
  rm -rf -- "$pg_data"
}

# pg_sql DATABASE ARGS…: psql as the cluster's superuser; stops at the first error.
pg_sql() {
  local -r database=$1
  shift
  pg_as psql -X -q -v ON_ERROR_STOP=1 -h "$pg_socket" -U postgres -d "$database" "$@"
}

# pg_url DATABASE ROLE: how a program reaches it.
pg_url() {
  printf 'postgresql:///%s?host=%s&user=%s' "$1" "$(percent_encode "$pg_socket")" "$2"
}

# The owning role migrates, the serving role owns nothing. Both without a password: see above.
pg_create_roles() {
  pg_sql postgres <<'SQL'
select format('create role %I login', name)
from unnest(array['lexicraft_owner', 'lexicraft']) as name
where not exists (select from pg_roles where rolname = name) \gexec
SQL
}

# pg_create_database NAME: owned by the owning role; nobody else but the serving role may connect.
pg_create_database() {
  pg_sql postgres -v name="$1" <<'SQL'
select format('create database %I owner lexicraft_owner', :'name')
where not exists (select from pg_database where datname = :'name') \gexec
revoke all on database :"name" from public;
grant connect on database :"name" to lexicraft;
SQL
}
