# Runs on a Debian with systemd as process 1, as a unit of its own, and prints what it sees: a section for each step, begun by
# "== ". What that should be, systemd.rs says.
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
unset NOTIFY_SOCKET

step() {
    printf '== %s\n' "$*"
    echo "$(cut -d ' ' -f 1 /proc/uptime) $*" >>/times.log
}

# Waits until a command succeeds, and says so.
until_true() {
    for _ in $(seq 150); do
        if eval "$2" >/dev/null 2>&1; then
            echo "$1"
            return
        fi
        sleep 0.2
    done
    echo "not $1"
}

vip() { until_true "holds $1" "ip -4 address show eth0 | grep -q 'inet $1/'"; }

unit() { systemctl show -p "$1" --value "${2:-stayd}"; }

state() { echo "$1 $(unit ActiveState "$1") $(unit SubState "$1") $(unit Result "$1")"; }

program() { readlink "/proc/$(unit MainPID "$1")/exe"; }

installed() { dpkg-query -W -f '${Package} ${db:Status-Status}\n' stayd keepalived 2>/dev/null | sed -n 's/ installed$//p'; }

kept() { cmp /etc/keepalived/keepalived.conf /before/keepalived.conf && cmp /etc/default/keepalived /before/default && echo kept; }

mkdir /before
cp /etc/keepalived/keepalived.conf /before/
cp /etc/default/keepalived /before/default

step before
systemctl start keepalived
state keepalived
program keepalived
vip 192.168.0.51

step installing
apt-get install -qy --no-install-recommends /var/package/stayd_*.deb 2>&1

step installed
installed
kept
state stayd
state keepalived
unit Names
unit Type
program stayd
vip 192.168.0.51
systemctl is-enabled stayd

step sandbox
main=$(unit MainPID)
sed -n 's/^\(CapBnd\|NoNewPrivs\):\t/\1 /p' "/proc/$main/status"
tr '\0' ' ' <"/proc/$main/cmdline"
echo
chrt -p "$(cat /run/vrrp.pid)" | sed 's/.*current/current/'

step scripts
until_true "the master's note" '[ "$(cat /tmp/notified)" = 0 ]'
until_true "the backup's note" '[ "$(cat /tmp/notified-daemon)" = daemon ]'
until_true "the check's note" '[ "$(cat /tmp/checked)" = daemon ]'
stat -c '%n %F %U' /tmp/all /run/vrrp

step status
until_true "MASTER told" '[ "$(unit StatusText)" = "V MASTER" ]'
systemctl status --no-pager keepalived
systemctl kill --kill-who=main -s USR1 stayd
until_true "a dump" "grep -q 'State = MASTER' /tmp/keepalived.data"

step reload
vrrp=$(cat /run/vrrp.pid)
sed -i 's/^    192.168.0.51$/&\n    192.168.0.52/' /etc/keepalived/keepalived.conf
systemctl reload stayd
echo "status $?"
vip 192.168.0.52
[ "$(unit MainPID)" = "$main" ] && echo "the same main process"
[ "$(cat /run/vrrp.pid)" = "$vrrp" ] && echo "the same VRRP process"
state stayd

step refused
sed -i 's/eth0/nowhere/' /etc/keepalived/keepalived.conf
systemctl reload keepalived
echo "status $?"
until_true "told" 'unit StatusText | grep "^reload refused"'
vip 192.168.0.52
state stayd
sed -i 's/nowhere/eth0/' /etc/keepalived/keepalived.conf

step restart
systemctl restart stayd
echo "status $?"
[ "$(unit MainPID)" = "$main" ] || echo "another main process"
vip 192.168.0.52
state stayd

step stop
systemctl stop keepalived
echo "status $?"
state stayd
ip -4 address show eth0 | sed -n 's/^ *inet \([^ ]*\).*/\1/p'
find /tmp/all /run/vrrp /run/keepalived.pid /run/vrrp.pid -maxdepth 0 2>/dev/null

step start
systemctl start stayd
echo "status $?"
state stayd

step crash
main=$(unit MainPID)
systemctl kill --kill-who=main -s KILL stayd
until_true "started again" '[ "$(unit NRestarts)" = 1 ] && [ "$(unit ActiveState)" = active ]'
[ "$(unit MainPID)" = "$main" ] || echo "another main process"
vip 192.168.0.52

step journal
journalctl --no-pager -o cat -u stayd

step vrrp
journalctl --no-pager -o cat -t Keepalived_vrrp _SYSTEMD_UNIT=stayd.service

step returning
cp /before/keepalived.conf /etc/keepalived/
dpkg --purge stayd 2>&1
state stayd
dpkg --install /var/cache/apt/archives/keepalived_*.deb 2>&1

step returned
installed
kept
state keepalived
program keepalived
systemctl is-enabled keepalived
vip 192.168.0.51

step end
