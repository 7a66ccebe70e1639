#!/usr/bin/env bash
# Brings the machine the programs that the tests start themselves. Quick and silent when all are there.
# Only on Debian as root; elsewhere it names what is missing and ends well, and those tests are skipped.
# It starts no service, changes no setting of the machine and touches no network.
set -euo pipefail

# program:package, or /file:package. Debian puts daemons into /usr/sbin, which is not on everybody's PATH.
wanted=(
  dockerd:docker.io
  docker-init:docker.io
  docker-registry:docker-registry
  containerd:containerd
  runc:runc
  busybox:busybox-static
  ip:iproute2
  openssl:openssl
  prometheus:prometheus
  prometheus-alertmanager:prometheus-alertmanager
  ssh:openssh-client
  sshd:openssh-server
  chromium-headless-shell:chromium-headless-shell
  iptables:iptables
  java:default-jre-headless
  /usr/share/java/zookeeper.jar:libzookeeper-java
  /usr/share/java/slf4j-simple.jar:libslf4j-java
)
export PATH="$PATH:/usr/sbin:/sbin"

missing=()
present() {
  if [[ $1 == /* ]]; then [[ -e $1 ]]; else command -v "$1" >/dev/null; fi
}
for pair in "${wanted[@]}"; do
  present "${pair%%:*}" || missing+=("${pair##*:}")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

if [[ $(id -u) -ne 0 || ! -e /etc/debian_version ]]; then
  echo "not Debian as root, so not installed: ${missing[*]} (the tests that need them are skipped)" >&2
  exit 0
fi

# One installation at a time: several test runs may begin together.
exec 9>/var/lock/carillon-test-install.lock
flock 9

# Debian starts what it installs unless this file says no. One that is there already is the owner's decision.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
install() {
  apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}" </dev/null
}
output=$(install 2>&1) || {
  # Most often the package lists are old or were never fetched.
  output=$(apt-get update -qq 2>&1 && install 2>&1) || {
    echo "could not install ${missing[*]}:" >&2
    echo "$output" >&2
    exit 1
  }
}
