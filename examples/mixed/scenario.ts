import { answers, callerIs, seesNothing, type Probe, type Scenario, type ScenarioLab } from "../../lab";

/** What the friend has written, as the article would: a wg-quick file with its own forwarding and NAT. Only the key's public half is the app's. */
const handwritten = (key: string): string => `[Interface]
Address = 10.66.6.6/24
ListenPort = 51866
MTU = 1440
PostUp = wg set %i private-key /etc/wireguard/%i.key
PostUp = sysctl -qw net.ipv4.ip_forward=1
PostUp = nft add table ip friend; nft 'add chain ip friend out { type nat hook postrouting priority srcnat; }'
PostUp = nft 'add rule ip friend out ip saddr 10.66.6.0/24 oifname "eth0" masquerade'
PostDown = nft delete table ip friend

[Peer]
PublicKey = ${key}
AllowedIPs = 10.66.6.0/24
`;

/** Taken up anew only when it has changed: an interface that goes and comes forgets its sessions. */
const takeUp = `umask 077; cat >/tmp/wg6.conf
cmp -s /tmp/wg6.conf /etc/wireguard/wg6.conf && ip link show wg6 >/dev/null 2>&1 && exit 0
[ ! -e /etc/wireguard/wg6.conf ] || wg-quick down wg6 || true
mv /tmp/wg6.conf /etc/wireguard/wg6.conf; wg-quick up wg6`;

const untouched: Probe = {
  name: "friend has nothing of wgchain's: no file, rule or nftables table",
  async run(lab: ScenarioLab) {
    const look =
      "{ ls -dA /etc/wgchain /var/lib/wgchain /usr/local/lib/wgchain 2>/dev/null; ip rule show | grep 'proto 119'; nft list tables | grep wgchain; } || true";
    const { stdout } = await lab.host("friend").sh(look);
    return stdout === "" ? undefined : stdout;
  },
};

const fromPhone = callerIs("phone", "198.51.100.20", { source: "10.66.224.2" });

const scenario: Scenario = {
  async start(lab) {
    const interfaces = lab.inventory.nodes.find(({ name }) => name === "sz")?.interfaces ?? [];
    const key = interfaces.find(({ name }) => name === "wg6")?.publicKey ?? "";
    await lab.host("friend").sh(takeUp, { input: handwritten(key) });
  },
  probes: [
    fromPhone,
    // What sz sends through the tunnel has the address that was agreed on, else the friend's NAT would not know it.
    seesNothing("friend", "src net 10.66.224.0/19", fromPhone),
    answers("friend", "10.66.6.250"),
    untouched,
  ],
  without: [
    { what: "the port that the friend listens on", replace: "serverEnd: { listenPort: 51866 }", by: "serverEnd: {}" },
    { what: "the address that was agreed on", replace: 'clientAddress: "10.66.6.250"', by: 'clientAddress: "10.66.6.251"' },
  ],
};

export default scenario;
