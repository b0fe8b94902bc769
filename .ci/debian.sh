# shellcheck shell=bash
# Debian packages made available without installing them: what .ci/lavapipe and .ci/mpi/unpack share. It is sourced by them.
# The variable `what` names what is to be made available, `apt` a folder for the lists and downloads of apt.

# fail WHY: says why it is not available, in one sentence.
fail() {
  echo "$what is not available: $1" >&2
  exit 1
}

# own_folder FOLDER: makes the folder, sets `folder` to its whole path, and waits while another run works in it.
own_folder() {
  if ! mkdir -p "$1" 2>/dev/null || [ ! -w "$1" ]; then fail "the folder $1 cannot be written."; fi
  folder=$(cd "$1" && pwd)
  exec 9>"$folder/lock"
  flock -w 600 9 || fail "another process has held $folder/lock for ten minutes."
}

# apt_get ARGUMENT...: apt-get with the machine's configuration (proxies, keys), but with lists, downloads and locks of
# its own. What is installed it reads from the machine, so only what is missing gets downloaded. Its output is logged.
apt_get() {
  mkdir -p "$apt/lists/partial" "$apt/archives/partial"
  timeout 120 apt-get -q -o Dir::State="$apt" -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$apt" \
    -o Debug::NoLocking=true -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any -o Acquire::Retries=1 "$@" 2>"$apt/log"
}

# apt_fail WHAT: fails with the first error that apt gave.
apt_fail() {
  local error
  error=$(sed -n 's/^E: *//p' "$apt/log" | head -n 1)
  fail "$1 failed (${error:-it took more than two minutes})."
}

# unpack TREE ARGUMENT...: downloads packages, with what they need that this machine lacks, and unpacks them into TREE. The
# arguments are those of `apt-get install`.
unpack() {
  local tree=$1
  shift
  apt_get install --download-only --no-install-recommends -y "$@" >/dev/null || apt_fail 'downloading the packages'
  find "$apt/archives" -name '*.deb' -exec dpkg-deb -x {} "$tree" \; -delete
}
