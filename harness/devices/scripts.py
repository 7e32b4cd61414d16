"""Shell scripts that run on a device: POSIX only, tried with mksh, dash and busybox; arguments come as $1, $2, ...

They use the shell's own commands where they can: a process on a phone costs milliseconds.
"""

from __future__ import annotations

import re
import secrets

from harness.devices.number import number

_LAST_PID = 2**31 - 1
CALL = "HARNESS_CALL"  # in the environment of all that a call started: a call that hangs is found by it

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

# $1 file, $2 bytes of a block, $3 blocks to leave out. `tail -c +N` of toybox reads all that it leaves out.
BLOCK = 4096
READ_FROM = """
[ -e "$1" ] || exit 0
exec dd if="$1" bs="$2" skip="$3"
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

# $1 pid, $2 start time in ticks, $3 boot id; or pid 0, and $4 what stands in the environment of those to kill.
# Kills the process, its session, and what descends from any of them, in whatever session. Each one is stopped where it
# is found, so that it starts no further one, until a look finds none that is new; then all are killed.
# Prints on a line of its own how many there were, and how many were left after 5 s. Nothing is killed after a reboot,
# or where the pid belongs to another process by now.
KILL = """
echo
p=$1; t=$2; boot=$3; call=$4; b=
line_end='
'
read -r b </proc/sys/kernel/random/boot_id
if [ -n "$boot" ] && [ -n "$b" ] && [ "$boot" != "$b" ]; then echo 0 0; exit 0; fi
family=' '
add() {
  family="$family$1:$2 "
  count=$((count+1)); new=1
  kill -STOP "$1"
}
look() {
  set +f
  all=$(cat /proc/[0-9]*/stat)
  set -f
}
# $1 a line of stat: sets q pid, s state, u parent, g session, k start time
take() {
  IFS=' '
  q=${1%% *}
  set -- ${1##*) }
  s=$1; u=$2; g=$4; k=${20}
}
count=0
if [ "$p" = 0 ]; then
  for f in $(grep -slF -e "$call" /proc/[0-9]*/environ); do
    read -r line <"${f%environ}stat" || continue
    take "$line"
    add "$q" "$k"
  done
elif read -r line <"/proc/$p/stat"; then
  take "$line"
  if [ "$k" != "$t" ]; then echo 0 0; exit 0; fi
  case $s in Z|X) ;; *) add "$p" "$t" ;; esac
fi
found=1
while [ $found = 1 ]; do
  found=0
  look
  new=1
  while [ $new = 1 ]; do
    new=0
    IFS=$line_end
    for line in $all; do
      take "$line"
      case $s in Z|X) continue ;; esac
      case $family in
        *" $q:"*) continue ;;
        *" $u:"*) ;;
        *) [ "$p" != 0 ] && [ "$g" = "$p" ] || continue ;;
      esac
      add "$q" "$k"
      found=1
    done
  done
done
n=0
left=$count
while [ $left != 0 ] && [ $n -lt 50 ]; do
  left=0
  look
  IFS=$line_end
  for line in $all; do
    take "$line"
    case $s in Z|X) continue ;; esac
    case $family in *" $q:$k "*) kill -9 "$q"; left=$((left+1)) ;; esac
  done
  n=$((n+1))
  [ $left = 0 ] || sleep 0.1
done
echo $count $left
"""

# $1 token, $2 a text. The processes with that text in their command line, among them those that look for it: after the
# token the boot id, then for each the token, its line of stat, and its command line.
PROGRAMS = """
b=
read -r b </proc/sys/kernel/random/boot_id
echo "$1 $b"
for f in $(grep -slF -e "$2" /proc/[0-9]*/cmdline); do
  read -r s <"${f%cmdline}stat" || continue
  echo "$1 $s"
  cat "$f"
  echo
done
"""

# $1 token, the rest are paths, in which * and [0-9] stand for what there is. After the output of taskset the token,
# then each line of each file behind its path: two processes for all files.
LINES = """
taskset -p $$
echo
echo "$1"
shift
exec grep -s '' $* /dev/null
"""


def script(text: str, *arguments: str) -> list[str]:
    """The argument list that runs one of this module's scripts."""
    return ["sh", "-c", text, "sh", *arguments]


def announced(command: str, token: str) -> str:
    """A command line that says which process it is behind the token, before the command, and by CALL all the time."""
    return f'export {CALL}={token}; read -r s </proc/$$/stat; echo "{token} $s"; exec {command}'


def split_announced(output: bytes, token: str) -> tuple[str | None, bytes]:
    """The line of stat of such a command (None: it is not there), and the output of the command itself."""
    _, found, rest = output.partition(f"{token} ".encode())
    line, ended, own = rest.partition(b"\n")
    return (line.decode("utf-8", "replace"), own) if found and ended else (None, b"")


def parse_df(text: str) -> int | None:
    """The free bytes in the last line of ``df -k``; None where there is none."""
    sizes = re.findall(r"\s(\d{1,15})\s+(\d{1,15})\s+(\d{1,15})\s+\d{1,3}%", text)
    return int(sizes[-1][2]) * 1024 if sizes else None


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
    fields = tail.split(maxsplit=20)
    if len(fields) < 20:
        return None
    pid, start = number(head.split(" ", 1)[0], 1, _LAST_PID), number(fields[19])
    return None if pid is None or start is None else (pid, start, fields[0])


def parse_programs(output: bytes, token: str) -> tuple[str, list[tuple[str, list[bytes]]]]:
    """From PROGRAMS: the boot id, and for each process its line of stat and its arguments."""
    boot_id, *processes = output.partition(f"{token} ".encode())[2].split(f"\n{token} ".encode())
    found = []
    for process in processes:
        stat, _, arguments = process.partition(b"\n")
        first, *others = arguments.rstrip(b"\n").rstrip(b"\0").split(b"\0")
        # A linker may have had something to say when the first one was printed.
        found.append((stat.decode("utf-8", "replace"), [first.rpartition(b"\n")[2], *others]))
    return boot_id.decode("utf-8", "replace").strip(), found


def parse_lines(output: bytes) -> dict[str, bytes]:
    """The files of LINES' output, behind the token, by their paths; empty ones are missing."""
    files: dict[str, list[bytes]] = {}
    for line in output.split(b"\n"):
        path, found, text = line.partition(b":")
        if found and path.startswith(b"/"):
            files.setdefault(path.decode("utf-8", "replace"), []).append(text + b"\n")
    return {name: b"".join(lines) for name, lines in files.items()}
