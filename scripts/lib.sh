# Shared by the scripts: where things are, and installing what is missing. Source it; it changes to the repository's root.
set -euo pipefail
# A compiler cache that knows nothing yet should cost nothing: what a file includes is read from the compiler's own list, without
# a run of the preprocessor before it.
export CCACHE_DEPEND=1
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Installs the packages of scripts/packages.txt that are missing, without those of kind `lint`. Without root, prints the one command
# that would.
install_missing() {
  [ "$(uname -s)" = Linux ] || die "Tally needs Linux (per-thread CPU time, affinity, /proc); this is $(uname -s)."
  if ! command -v dpkg-query >/dev/null; then
    say "This is not a Debian system: install the equivalents of scripts/packages.txt yourself (going on without checking)."
    return
  fi
  install_packages $(missing_of 'need|may') || die "Could not install: $(missing_of 'need|may')"
}

# Those of kind `lint`. Without them the tests that need them are left out.
install_lint() {
  command -v dpkg-query >/dev/null || return 0
  (install_packages $(missing_of lint)) || say "Going on without $(missing_of lint): format and names are not checked."
}

# missing_of KINDS: the packages of these kinds that are not installed.
missing_of() {
  local kind name rest
  grep -E "^($1) " scripts/packages.txt | while read -r kind name rest; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q '^install ok' || printf '%s ' "$name"
  done
}

install_packages() {
  [ $# -eq 0 ] && return
  local run=""
  if [ "$(id -u)" -ne 0 ]; then
    if sudo -n true 2>/dev/null; then run="sudo"; else
      die "Packages are missing. Run this, then start again:  sudo apt-get install -y --no-install-recommends $*"
    fi
  fi
  say "Installing: $*"
  $run apt-get update -qq >&2 || say "apt-get update failed; trying with the lists at hand."
  DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends "$@" >&2
}

# configure DIR [cmake arguments]: Release unless told otherwise. In batches of files (TALLY_UNITY): these builds start from nothing.
configure() {
  local dir=$1; shift
  local launcher=()
  command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cmake -S . -B "$dir" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTALLY_UNITY=ON "${launcher[@]}" "$@" >"$dir.configure.log" 2>&1 ||
    { tail -n 20 "$dir.configure.log" >&2; die "Configuring failed; the whole log is $dir.configure.log"; }
  grep -E '^-- (strategy|tally)' "$dir.configure.log" >&2 || true
}

# The first python3 that has matplotlib; PATH's own may be one without Debian's packages.
find_python() {
  local p
  for p in "${TALLY_PYTHON:-}" python3 /usr/bin/python3 /usr/local/bin/python3; do
    [ -n "$p" ] && "$p" -c 'import matplotlib, numpy' 2>/dev/null && { echo "$p"; return; }
  done
  die "No python3 with matplotlib and numpy was found: apt-get install python3-matplotlib python3-numpy, or set TALLY_PYTHON."
}
