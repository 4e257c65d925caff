# Configure and compile. Sourced after common.sh.
# shellcheck shell=bash disable=SC2154  # common.sh sets root

# build PRESET [TARGET…]: one of CMakePresets.json; everything unless targets are named.
build() {
  local -r preset=$1
  shift
  local folder=build tests=OFF target
  local -a targets=()
  [[ $preset == release ]] || folder=build/$preset
  # Unit tests need cmocka, which only the test profile installs.
  if pkg-config --exists cmocka; then
    tests=ON
  fi
  for target in "$@"; do
    targets+=(--target "$target")
  done
  forget_moved_build "$folder"
  cmake --preset "$preset" -DBUILD_TESTING="$tests" >"$folder.log" 2>&1 || {
    cat -- "$folder.log" >&2
    die "cmake --preset $preset failed"
  }
  rm -f -- "$folder.log"
  cmake --build "$folder" "${targets[@]}" >&2
}

# CMake refuses a cache that was made in another folder: a clone that was moved or copied starts anew.
forget_moved_build() {
  local -r cache=$1/CMakeCache.txt
  mkdir -p -- "$1"
  if [[ -f $cache ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" -- "$cache"; then
    rm -rf -- "$cache" "$1/CMakeFiles"
  fi
}
