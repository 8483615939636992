# Read by every script that starts Odradek. What is set already stays; ODRADEK_IMAGE_ROOT is for tests, which put the
# image's files elsewhere.
root=${ODRADEK_IMAGE_ROOT:-}

# Weaker than log.dirs from the environment or a file. Whoever comes from Bitnami's image has mounted /bitnami/kafka.
if [ -z "${ODRADEK_DATA:-}" ]; then
  ODRADEK_DATA=$root/var/lib/kafka/data
  while read -r _ _ _ _ mounted_at _; do
    case $mounted_at in
      "$root/bitnami" | "$root/bitnami/kafka" | "$root/bitnami/kafka/data") ODRADEK_DATA=$root/bitnami/kafka/data ;;
    esac
  done < "${ODRADEK_MOUNTS:-/proc/self/mountinfo}"
fi

: "${ODRADEK_READY_PHRASES:=kafka}"
: "${ODRADEK_READY_FILE:=/tmp/odradek.ready}"
: "${ODRADEK_FIRST_ENVIRONMENT:=/proc/1/environ}"
export ODRADEK_DATA ODRADEK_READY_PHRASES ODRADEK_READY_FILE ODRADEK_FIRST_ENVIRONMENT
