import type { ChoicePlan, FailoverPlan, HostPlan } from "../plan/host-plan";
import type { StateLine } from "./state";

/** What measures exits, and what it may choose from; nothing for a host without failover. */
export function failoverLines({ failovers }: HostPlan): Record<string, StateLine[]> {
  if (failovers === undefined) return {};
  return {
    failover: failovers.map(settingsLine),
    choices: failovers.flatMap((one) => one.choices.map((choice, i) => choiceLine(one, choice, i))),
  };
}

function settingsLine({ name, table, probing }: FailoverPlan): StateLine {
  const { targets, intervalSeconds, failures, successes, holdSeconds } = probing;
  const value = `every ${intervalSeconds} down ${failures} up ${successes} hold ${holdSeconds} ask ${targets.join(",")}`;
  return { line: `${name} table ${table} ${value}`, key: `failover ${name}`, value: `table ${table} ${value}` };
}

function choiceLine({ name }: FailoverPlan, { exit, interface: one, table, source }: ChoicePlan, index: number): StateLine {
  const value = `exit ${exit} dev ${one} table ${table} from ${source.toString()}`;
  return { line: `${name} ${index + 1} ${value}`, key: `choice ${index + 1} of ${name}`, value };
}

/** With systemd what measures is a unit of its own: it is started anew when it dies, and its lines are in the journal. */
export function failoverUnits({ failovers }: HostPlan): Record<string, string> {
  return failovers === undefined ? {} : { "etc/systemd/system/wgchain-failover.service": service };
}

const service = `# made by wgchain
[Unit]
Description=wgchain: measure exits, and fail over
After=wgchain.service network.target
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/local/lib/wgchain/wgchain-host failover
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
`;
