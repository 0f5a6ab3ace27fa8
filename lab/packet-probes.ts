import type { Host } from "./host";
import { internetAddress } from "./plan";
import type { Probe, ScenarioLab } from "./scenario";
import { answers, type AskOptions } from "./scenario-probes";
import { counters, watch } from "./watch";

/** Ready-made probes of what packets look like on their way. */

/** With which source addresses a host gets, by one of its devices, what somebody sends to the internet: e.g. the label of a tunnel. */
export function arrivesAs(from: string, at: string, device: string, expected: string, options: AskOptions = {}): Probe {
  const by = options.source === undefined ? from : `${from}, from ${options.source},`;
  return {
    name: `${by} arrives at ${at} by ${device} as ${expected}`,
    run: async (lab) => {
      const asked = answers(from, internetAddress, "ping", { withinSeconds: 5, ...options });
      const filter = `icmp[icmptype] = icmp-echo and dst host ${internetAddress}`;
      const { packets, result } = await watch(lab.host(at), { device, filter }, () => asked.run(lab));
      if (result !== undefined) return result;
      const sources = new Set(packets.flatMap((line) => /\bIP (\S+) > /.exec(line)?.[1] ?? []));
      return [...sources].join() === expected ? undefined : `as ${[...sources].join(", ") || "nobody"}`;
    },
  };
}

/** That nothing is cut into fragments, on any of the hosts, while megabytes go to somebody's machine and come from it. */
export function fragmentsNothing(from: string, hosts: readonly string[], megabytes = 5): Probe {
  return {
    name: `${megabytes} MB each way make no fragment on ${hosts.join(", ")}`,
    run: async (lab) => {
      const before = await fragments(lab, hosts);
      const failed = await transfer(lab.host(from), megabytes * 1024 * 1024);
      const made = (await fragments(lab, hosts)).map((count, index) => count - (before[index] ?? 0));
      if (failed !== undefined) return failed;
      const where = hosts.flatMap((host, index) => (made[index] === 0 ? [] : [`${made[index]} on ${host}`]));
      return where.length === 0 ? undefined : `fragments made or put together: ${where.join(", ")}`;
    },
  };
}

async function fragments(lab: ScenarioLab, hosts: readonly string[]): Promise<number[]> {
  return Promise.all(
    hosts.map(async (host) => {
      const values = await counters(lab.host(host));
      return (values["Ip.FragCreates"] ?? NaN) + (values["Ip.ReasmReqds"] ?? NaN) + (values["Ip.FragFails"] ?? NaN);
    }),
  );
}

/** Undefined when all of it has arrived. */
async function transfer(host: Host, bytes: number): Promise<string | undefined> {
  const down = await host.sh(
    `curl -s --max-time 60 -o /dev/null -w '%{size_download}' http://${internetAddress}/bytes/${bytes}`,
    {
      check: false,
    },
  );
  if (down.stdout !== String(bytes)) return `${down.stdout} of ${bytes} bytes came`;
  const up = await host.sh(
    `head -c ${bytes} /dev/zero | curl -s --max-time 60 --fail -o /dev/null -T - http://${internetAddress}/`,
    { check: false },
  );
  return up.status === 0 ? undefined : `${bytes} bytes did not go: curl ended with ${up.status}`;
}
