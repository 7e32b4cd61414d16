"""Shell scripts that run on a device: POSIX only, tried with mksh, dash and busybox; arguments come as $1, $2, ...

They use the shell's own commands where they can: a process on a phone costs milliseconds.
"""

from __future__ import annotations

import secrets

# Prints the line of /proc/<pid>/stat of the process that the program is going to be, so that it can be stopped.
ANNOUNCE = 'read -r s </proc/$$/stat; echo "$s"; '

# $1 token; paths on stdin, an empty line ends them. At the start and after each file: a line break, the token, the exit
# code of cat. A file that never answers ends in the caller's deadline: what has come until then tells which one it is.
READ_FILES = """
t=$1
echo
echo "$t 0"
while IFS= read -r f; do
  [ -n "$f" ] || break
  cat "$f" 2>/dev/null </dev/null
  r=$?
  echo
  echo "$t $r"
done
"""

# $1 temporary name, $2 final name, $3 SHA-256, $4 MD5 (for phones before Android 8), $5 mode. Renames what is whole.
# 65: it is damaged; 69: the phone has neither of the programs. With $6 it is known to be whole.
COMMIT = """
if [ -z "$6" ]; then
  h=$(sha256sum "$1" 2>/dev/null) || h=$(md5sum "$1" 2>/dev/null) || h=
  case "$h" in
    *"$3"*|*"$4"*) ;;
    '') [ -r "$1" ] || { rm -f "$1"; echo unreadable; exit 65; }
      command -v sha256sum >/dev/null || command -v md5sum >/dev/null || exit 69
      rm -f "$1"; echo unreadable; exit 65 ;;
    *) rm -f "$1"; echo "$h"; exit 65 ;;
  esac
fi
chmod "$5" "$1" && mv -f "$1" "$2"
"""

# $1 file, $2 its text. The file is the old or the new one, and on the disk at the end.
KEEP = """
n=$1.new
rm -f "$n"
printf '%s\\n' "$2" >"$n" && mv -f "$n" "$1" || { rm -f "$n"; exit 1; }
fsync "$1" 2>/dev/null || sync
[ -s "$1" ]
"""

# $1 folder, $2 output file, the rest is the program. The subshell is in its own session and lets go of adb's pipes.
SPAWN = """
cd "$1" || exit 66
shift
rm -f "$1" || exit 66
setsid sh -c '
  trap "" HUP
  o=$1; shift
  read -r s </proc/$$/stat
  read -r b </proc/sys/kernel/random/boot_id
  echo "$s"; echo "$b"
  exec "$@" >"$o" 2>&1 </dev/null
' sh "$@" &
n=0
while [ ! -e "$1" ] && [ $n -lt 100 ] && kill -0 $! 2>/dev/null; do n=$((n+1)); sleep 0.05; done
[ -e "$1" ]
"""

# $1 pid, $2 start time in ticks, $3 boot id. Kills the process, what descends from it and its session; prints how
# many were left after 5 s. Nothing is killed after a reboot, or where the pid belongs to another process by now.
KILL = """
p=$1; t=$2; b=
read -r b </proc/sys/kernel/random/boot_id
if [ -n "$3" ] && [ -n "$b" ] && [ "$3" != "$b" ]; then echo 0; exit 0; fi
if read -r line <"/proc/$p/stat"; then
  set -- ${line##*) }
  shift 19
  if [ "$1" != "$t" ]; then echo 0; exit 0; fi
fi
n=0
while :; do
  left=0; family=" $p "
  for f in /proc/[0-9]*/stat; do
    read -r line <"$f" || continue
    q=${f#/proc/}; q=${q%/stat}
    set -- ${line##*) }
    case $1 in Z|X) continue ;; esac
    own=
    case $family in *" $2 "*|*" $q "*) own=1 ;; esac
    if [ "$4" = "$p" ] || [ -n "$own" ]; then
      family="$family$q "
      left=$((left+1))
      kill -9 "$q"
    fi
  done
  if [ $left = 0 ] || [ $n -ge 50 ]; then break; fi
  n=$((n+1))
  sleep 0.1
done
echo $left
"""


def script(text: str, *arguments: str) -> list[str]:
    """The argument list that runs one of this module's scripts."""
    return ["sh", "-c", text, "sh", *arguments]


def new_token() -> str:
    """A word that no file holds by chance."""
    return secrets.token_hex(16)


def parse_frames(output: bytes, token: str, count: int) -> list[bytes | None]:
    """The files of READ_FILES' output; None for each that could not be read or is missing."""
    files: list[bytes | None] = []
    mark = f"\n{token} ".encode()
    rest = output.partition(mark)[2].partition(b"\n")[2]  # without what the shell said at its start
    while len(files) < count:
        content, found, rest = rest.partition(mark)
        code, _, rest = rest.partition(b"\n")
        files.append(content if found and code == b"0" else None)
    return files


def whole_frames(output: bytes, token: str) -> int:
    """How many files READ_FILES had come to the end of; -1 where it had not begun."""
    return output.count(f"\n{token} ".encode()) - 1


def parse_stat(line: str) -> tuple[int, int, str] | None:
    """Pid, start time in ticks (field 22) and state of a /proc/<pid>/stat line; None for anything else."""
    head, _, tail = line.rpartition(")")
    fields = tail.split()
    try:
        return int(head.split(" ", 1)[0]), int(fields[19]), fields[0]
    except (ValueError, IndexError):
        return None
