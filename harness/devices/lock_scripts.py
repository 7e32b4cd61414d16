"""Scripts of the lock that lies on a phone: a folder per holder, numbered; the highest number holds the phone.

A holder's folder is made under another name and renamed when it is whole, so there is never one without a holder. A
stale one is not removed but outnumbered: of several harnesses that want to take it over, one gets the next number.
Numbers and ages are compared on the host: a phone's shell counts in 32 bits.
"""

from __future__ import annotations

# $1 token, $2 folder. Boot id and uptime, then for each holder: number, its last sign of life (the same two), its line.
_SHOW = """
echo; echo "$1"
u=; b=
read -r u r </proc/uptime
read -r b </proc/sys/kernel/random/boot_id
echo "now $b $u"
for g in "$2"/*; do
  n=${g##*/}
  case $n in *[!0-9]*|'') continue ;; esac
  k=; l=
  IFS= read -r k <"$g/beat"
  IFS= read -r l <"$g/holder"
  echo "beat $n $k"
  echo "held $n $l"
done
echo "end $1"
"""

SHOW = f"exec 2>/dev/null{_SHOW}"

# $1 token, $2 folder, $3 number, $4 the holder's token, $5 its line. Then shows all, the holder among them or not.
TAKE = f"""
d=$2/.new-$4
mkdir -p "$2" && chmod 777 "$2"
mkdir "$d" 2>/dev/null || {{ mkdir -p "$2"; mkdir "$d"; }} || exit 73
u=; b=
read -r u r 2>/dev/null </proc/uptime
read -r b 2>/dev/null </proc/sys/kernel/random/boot_id
echo "$5" >"$d/holder" && echo "$b $u" >"$d/beat" || {{ rm -rf "$d"; exit 73; }}
mv "$d" "$2/$3"
exec 2>/dev/null
[ -d "$d" ] && rm -rf "$d"
[ -d "$2/$3/.new-$4" ] && rm -rf "$2/$3/.new-$4"
{_SHOW}
"""

# $1 token, $2 folder, $3 number, $4 the holder's token. Exit 74 where the number belongs to somebody else by now, or a
# higher one has been taken: its holder found this one without a sign of life for long.
RENEW = """
exec 2>/dev/null
IFS= read -r l <"$2/$3/holder"
case $l in *"$4"*) ;; *) exit 74 ;; esac
for g in "$2"/*; do
  n=${g##*/}
  case $n in *[!0-9]*|''|?????????*) continue ;; esac
  [ "$n" -gt "$3" ] && exit 74
done
u=; b=
read -r u r </proc/uptime
read -r b </proc/sys/kernel/random/boot_id
echo "$b $u" >"$2/$3/.beat" && mv -f "$2/$3/.beat" "$2/$3/beat"
"""

# $1 token, $2 folder, $3 number, $4 the holder's token, then numbers that it took over: removes all these, and the
# folder when it is empty.
LET_GO = """
exec 2>/dev/null
d=$2 n=$3
IFS= read -r l <"$d/$n/holder"
case $l in *"$4"*) ;; *) exit 0 ;; esac
shift 4
for g in "$@"; do rm -rf "$d/$g"; done
rm -rf "$d/$n"
rmdir "$d"
exit 0
"""
