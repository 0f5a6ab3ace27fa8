import { watch, type Lab } from "../../lab";

/** A host and one of its devices. */
export type Wire = readonly [host: string, device: string];

/** Runs `action` and gives the packets that match the filter on any of the wires meanwhile, a line each. */
export async function leaked(
  lab: Lab,
  filter: string,
  wires: readonly Wire[],
  action: () => Promise<unknown>,
): Promise<string[]> {
  const [wire, ...rest] = wires;
  if (wire === undefined) {
    await action();
    return [];
  }
  const [host, device] = wire;
  let further: string[] = [];
  const { packets } = await watch(lab.host(host), { device, filter }, async () => {
    further = await leaked(lab, filter, rest, action);
  });
  return [...packets.map((line) => `${host} ${device}: ${line}`), ...further];
}

export const privateLineOf = async (lab: Lab, host: string): Promise<string> =>
  (await lab.host(host).sh(`ip -4 -o addr show to 172.16.0.0/30 | awk '{print $2; exit}'`)).stdout.trim();

/** All that is or was ours on a host, and the sysctls that we change. */
export const leftOn = async (lab: Lab, host: string): Promise<string> => {
  const rules = "ip rule | grep -v -e 'lookup local' -e 'lookup main$' -e 'lookup default'; ip route show table all proto 119";
  const files = "find /etc /var/lib /usr/local /run/wgchain -path '*wgchain*' -type f 2>/dev/null | sort";
  const kernel =
    "wg show interfaces | grep .; nft list tables; sysctl -n net.ipv4.ip_forward net.ipv4.conf.all.rp_filter | grep -v -e '^0$' -e '^2$'";
  return (await lab.host(host).sh(`set +e +o pipefail; ${rules}; ${files}; ${kernel}`, { check: false })).stdout.trim();
};
