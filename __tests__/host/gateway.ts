import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { directory, type Host } from "./host";

/** Answers what it saw, on each of its ports, and asks. */
const talker = join(directory, "talk.js");
writeFileSync(
  talker,
  `const net = require("node:net"), dgram = require("node:dgram");
const [verb, protocol, ...rest] = process.argv.slice(2);
if (verb === "serve") {
  const [name, at, ...ports] = rest;
  for (const port of ports.map(Number)) {
    const seen = (address, to) => name + " " + port + " " + address.replace("::ffff:", "") + " " + to + "\\n";
    if (protocol === "tcp") net.createServer((s) => { s.on("error", () => {}); s.on("data", (d) => s.write(seen(s.remoteAddress, d.toString().trim()))); }).listen(port, at);
    else { const u = dgram.createSocket("udp4"); u.on("message", (d, from) => u.send(seen(from.address, d.toString().trim()), from.port, from.address)); u.bind(port, at); }
  }
} else {
  const [from, to, port, times = "1"] = rest;
  const end = (text) => { console.log(text.trim()); if (--left === 0) process.exit(0); };
  let left = Number(times);
  if (protocol === "tcp") {
    const s = net.connect({ host: to, port: Number(port), localAddress: from });
    const ask = () => s.write("hello\\n");
    s.on("connect", ask); s.on("error", (e) => { console.log(e.code); process.exit(0); });
    s.on("data", (d) => { end(d.toString()); setTimeout(ask, 500); });
  } else {
    const u = dgram.createSocket("udp4");
    u.bind(Number(process.env.PORT ?? 0), from, () => u.connect(Number(port), to, () => { const ask = () => u.send("hello"); ask(); u.on("message", (d) => { end(d.toString()); setTimeout(ask, 500); }); u.on("error", (e) => { console.log(e.code); process.exit(0); }); }));
  }
  setTimeout(() => { console.log("nothing"); process.exit(0); }, Number(process.env.WAIT ?? 1500));
}
`,
);

const node = process.execPath;

/**
 *   inet (198.51.100.1; 203.0.113.9, 1.1.1.1, 9.9.9.9) -- eth0 198.51.100.20 [gw] br-lan 192.168.1.1/24 -- m10 192.168.1.10, m11 192.168.1.11
 *
 * `inet` counts what comes to it with a private source.
 */
export class GatewayBench {
  constructor(private readonly host: Host) {}

  start(): void {
    const { machine } = this.host;
    machine.ok(`set -e
      # With it the kernel forwards within the bridge, which a switch of a real private network would not.
      [ ! -e /proc/sys/net/bridge ] || sysctl -qw net.bridge.bridge-nf-call-iptables=0
      for n in inet m10 m11; do ip netns add $n; ip -n $n link set lo up; done
      ip link set eth0p netns inet; ip -n inet addr add 198.51.100.1/24 dev eth0p; ip -n inet link set eth0p up
      for a in 203.0.113.9 1.1.1.1 9.9.9.9; do ip -n inet addr add $a/32 dev lo; done
      ip netns exec inet sysctl -qw net.ipv4.ip_forward=1
      ip link add br-lan type bridge; ip addr add 192.168.1.1/24 dev br-lan; ip link set br-lan up
      for n in 10 11; do
        ip link add v$n type veth peer name eth0 netns m$n; ip link set v$n master br-lan; ip link set v$n up
        ip -n m$n addr add 192.168.1.$n/24 dev eth0; ip -n m$n link set eth0 up; ip -n m$n route add default via 192.168.1.1
      done
      ip netns exec inet nft 'table ip watch { chain in { type filter hook prerouting priority raw; iifname "eth0p" ip saddr { 192.168.0.0/16, 10.0.0.0/8 } counter; }; }'
      sysctl -qw net.ipv4.conf.eth0.rp_filter=2`);
    for (const protocol of ["tcp", "udp"]) {
      this.serve("inet", protocol, "inet", "1.1.1.1", 443, 9443);
      this.serve("inet", protocol, "inet", "9.9.9.9", 443, 9443);
      this.serve("m10", protocol, "m10", "192.168.1.10", 443, 80, 9000, 9001, 9002);
      this.serve("m11", protocol, "m11", "192.168.1.11", 443, 80, 9000);
    }
    this.host.machine.ok("for i in $(seq 100); do ip netns exec m11 ss -Hlnu | grep -q :9000 && break; sleep 0.1; done");
  }

  /** A client of the gateway's interface, behind the internet; all that it sends goes by the tunnel. */
  startPhone(privateKey: string, peer: string, port: number): void {
    this.host.machine.ok(`set -e
      ip netns add phone; ip -n phone link set lo up
      ip link add v0 netns inet type veth peer name eth0 netns phone
      ip -n inet addr add 203.0.114.1/30 dev v0; ip -n inet link set v0 up
      ip -n phone addr add 203.0.114.2/30 dev eth0; ip -n phone link set eth0 up; ip -n phone route add 198.51.100.20 via 203.0.114.1
      ip -n phone link add phone0 type wireguard 2>/dev/null || ip netns exec phone wireguard-go phone0 >/dev/null 2>&1
      (umask 077; echo ${privateKey} >${join(directory, "phone.key")})
      ip netns exec phone wg set phone0 private-key ${join(directory, "phone.key")} peer ${peer} endpoint 198.51.100.20:${port} allowed-ips 0.0.0.0/0 persistent-keepalive 1
      ip -n phone addr add 10.66.224.2/32 dev phone0; ip -n phone link set phone0 up; ip -n phone route add default dev phone0`);
    for (const protocol of ["tcp", "udp"]) this.serve("phone", protocol, "phone", "10.66.224.2", 443);
    this.host.machine.ok("for i in $(seq 100); do wg show wgs latest-handshakes | grep -qv '\t0$' && break; sleep 0.1; done");
  }

  private serve(place: string, protocol: string, name: string, address: string, ...ports: number[]): void {
    this.host.machine.spawn(
      `exec ip netns exec ${place} ${node} ${talker} serve ${protocol} ${name} ${address} ${ports.join(" ")}`,
    );
  }

  /** What the answerer says: its name, port and the source that it saw. */
  ask(place: string, protocol: "tcp" | "udp", from: string, to: string, port: number): string {
    const said = this.host.machine.ok(`ip netns exec ${place} ${node} ${talker} ask ${protocol} ${from} ${to} ${port}`);
    return said.trim().replace(/ hello$/, "");
  }

  /** A connection that goes on; its answers, a line each, are read with `read`. */
  stay(place: string, protocol: "tcp" | "udp", from: string, to: string, port: number, file: string, sourcePort = 0): void {
    const at = join(directory, file);
    this.host.machine.spawn(
      `PORT=${sourcePort} WAIT=60000 exec ip netns exec ${place} ${node} ${talker} ask ${protocol} ${from} ${to} ${port} 1000 >${at} 2>&1`,
    );
    this.host.machine.ok(`for i in $(seq 50); do [ -s ${at} ] && break; sleep 0.1; done; [ -s ${at} ]`);
  }
  lastOf(file: string): string {
    const at = join(directory, file);
    return this.host.machine
      .ok(`n=$(wc -l <${at}); sleep 1.2; [ $(wc -l <${at}) -gt $n ] && tail -n 1 ${at} || echo silent`)
      .trim();
  }

  /** Packets with a private source that came to the internet. */
  leaked(): number {
    const text = this.host.machine.ok("ip netns exec inet nft list table ip watch");
    return Number(/packets (\d+)/.exec(text)?.[1]);
  }
}
