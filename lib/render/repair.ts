import type { HostPlan } from "../plan/host-plan";

/** Units by which the host converges with what was last deployed, again and again; none unless its node asks for it. */
export function repairUnits({ repairEvery }: HostPlan): Record<string, string> {
  if (repairEvery === undefined) return {};
  return {
    "etc/systemd/system/wgchain-repair.service": service,
    "etc/systemd/system/wgchain-repair.timer": timer(repairEvery),
  };
}

const service = `# made by wgchain
[Unit]
Description=wgchain: converge with what was last deployed
After=wgchain.service

[Service]
Type=oneshot
ExecStart=/usr/local/lib/wgchain/wgchain-host repair
`;

/** systemd would bundle timers within a minute; a host that is to repair itself each minute should. */
const timer = (every: string): string => `# made by wgchain
[Unit]
Description=wgchain: repair every ${every}

[Timer]
OnBootSec=${every}
OnUnitActiveSec=${every}
AccuracySec=5s

[Install]
WantedBy=timers.target
`;
