#!/usr/bin/env bash
# Namespaces in the place of machines: the router between the nodes' network and another one, with a client in it.
set -euo pipefail
attach() { # namespace address gateway
    ip netns add "$1"
    ip -n "$1" link set lo up
    ip link add "$1" type veth peer name eth0 netns "$1"
    ip link set "$1" master "$4" up
    ip -n "$1" address add "$2" dev eth0
    ip -n "$1" link set eth0 up
    if [ -n "$3" ]; then ip -n "$1" route add default via "$3"; fi
}
# Kernel settings are read-only in a container; those of a namespace may be written where nobody else sees the mount.
setting() { # namespace name=value
    unshare --mount bash -c "mount -o remount,rw,bind /proc/sys && ip netns exec $1 sysctl --quiet --write $2"
}
for leftover in router node1 node2 stranger client; do ip netns delete "$leftover" 2>/dev/null || :; done
for bridge in lan other; do
    ip link delete "$bridge" 2>/dev/null || :
    ip link add "$bridge" type bridge
    ip link set "$bridge" up
done
attach router 192.168.10.1/24 "" lan
attach node1 192.168.10.21/24 192.168.10.1 lan
attach node2 192.168.10.23/24 192.168.10.1 lan
attach stranger 192.168.10.66/24 192.168.10.1 lan
attach client 192.168.20.5/24 192.168.20.1 other
ip link add router2 type veth peer name eth1 netns router
ip link set router2 master other up
ip -n router address add 192.168.20.1/24 dev eth1
ip -n router link set eth1 up
setting router net.ipv4.ip_forward=1
for node in node1 node2; do
    # where Cilium would answer for a service
    ip -n "$node" address add 192.168.10.224/32 dev lo
    setting "$node" net.ipv4.conf.eth0.arp_ignore=1
done
for party in router node1 node2 stranger; do
    install -d -o frr -g frr "/var/run/frr/$party"
    ip netns exec "$party" /usr/lib/frr/zebra -d -N "$party" --log "file:/tmp/$party-zebra.log"
    ip netns exec "$party" /usr/lib/frr/bgpd -d -N "$party" --log "file:/tmp/$party-bgpd.log"
    touch "/etc/frr/$party/vtysh.conf"
    vtysh -N "$party" -b > "/tmp/$party-vtysh.log" 2>&1
done
touch /run/bgp-router-started
