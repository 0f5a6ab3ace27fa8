import { forwardMarks } from "../model/numbers";
import type { HostPlan } from "../plan/host-plan";

/** Debian 12/13 and Ubuntu 22.04/24.04 name them alike; the host program adds wireguard-go where the kernel has no module. */
const packages = ["conntrack", "iproute2", "nftables", "procps", "wireguard-tools"] as const;

/** Exits are measured by ping(8). */
export const packagesOf = ({ failovers }: HostPlan): readonly string[] =>
  failovers === undefined ? packages : [...packages, "iputils-ping"].sort();

/**
 * Forwarding, and no reverse-path filter on `all`: the effective value is the greater of `all` and the interface's, and with rules by source
 * loose (2) drops every reply. The host program keeps other interfaces' protection as it was.
 */
export function sysctls(plan: HostPlan): string {
  const lines = ["# made by wgchain", "net.ipv4.ip_forward = 1", "net.ipv4.conf.all.rp_filter = 0"];
  // At an exit the uplink's reverse-path check of replies must see their mark; of what a forward sends to a client, too.
  const marked =
    plan.exits.some(({ via }) => via === "uplink") || plan.rules.some(({ fwmark }) => fwmark === forwardMarks.gateway);
  const exit = marked ? ["net.ipv4.conf.all.src_valid_mark = 1"] : [];
  // By name, or udev would give a new interface the distribution's conf.*.rp_filter after wg-quick has set ours.
  const own = plan.interfaces.map(({ name }) => `net.ipv4.conf.${name}.rp_filter = 0`);
  return [...lines, ...exit, ...own].map((line) => `${line}\n`).join("");
}

/**
 * Rules, unreachable routes and the nft table stand before any tunnel does, and stay when tunnels do not. As early as nftables.service, before the
 * network: systemd-sysctl has switched forwarding on by then. Wanted by nftables.service, or its stop and start would leave our table out.
 */
export const unit = `# made by wgchain
[Unit]
Description=wgchain: policy routing that fails closed
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service systemd-sysctl.service nftables.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/lib/wgchain/wgchain-host boot
ExecReload=/usr/local/lib/wgchain/wgchain-host boot

[Install]
WantedBy=multi-user.target nftables.service
`;

/** Stock ExecReload (wg syncconf of a file without key) would erase the private key. */
export const dropIn = `# made by wgchain
[Unit]
After=wgchain.service
Wants=wgchain.service

[Service]
ExecReload=
ExecReload=/usr/local/lib/wgchain/wgchain-host reload %i
`;

/** systemd-networkd removes rules and routes that it did not make unless told not to. */
export const networkdConf = `# made by wgchain
[Network]
ManageForeignRoutingPolicyRules=no
ManageForeignRoutes=no
`;
