/** Namespace hosts without an app: wires, isolation, the stand-in's VMs, and what is left after an interruption. Needs root. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Inventory, InventoryNode } from "../lib/inventory";
import { buildHosts, hostNamed } from "../lab/build";
import { makeDirectory, writeSshConfig } from "../lab/directory";
import { alive, removeHost, startHost, type Host } from "../lab/host";
import { planOf } from "../lab/plan";
import type { CloudObjects } from "../lab/provider/cloud";
import { run, until } from "../lab/run";
import { bootId, lock, Paths, StateFile } from "../lab/state";
import { NamespaceCloud } from "../lab/vm";
import { counters, watch } from "../lab/watch";

jest.setTimeout(60_000);

const node = (name: string, address: string, privateAddress: string): InventoryNode => ({
  name,
  host: { kind: "ssh", address, destination: name },
  uplinkMtuBytes: 1500,
  privateLink: { address: privateAddress, mtuBytes: 1600 },
  interfaces: [],
});
const inventory: Inventory = {
  version: 1,
  stack: "s",
  directory: "/d",
  nodes: [node("a", "198.51.100.10", "172.16.0.1/30"), node("b", "198.51.100.20", "172.16.0.2/30")],
  clients: [],
  allocations: {},
  problems: [],
};

class Network {
  readonly paths: Paths;
  readonly state: StateFile;
  constructor(readonly instance: string) {
    this.paths = new Paths(instance);
    this.state = new StateFile(this.paths);
  }
  begin(): void {
    const plan = planOf(this.instance, inventory);
    const rest = { appDir: process.cwd(), nullProvider: "stand-in" as const, inventory, plan, hosts: {}, vms: [] };
    this.state.write({ version: 1, bootId: bootId(), phase: "starting", ...rest });
  }
  async start(): Promise<void> {
    this.begin();
    const key = await makeDirectory(this.paths);
    const { plan } = this.state.required;
    await buildHosts(this.paths, this.state, plan, key);
    writeSshConfig(this.paths, inventory, plan, []);
    await this.host("operator").sh(`mkdir -p /root/.ssh; mount --bind '${this.paths.ssh}' /root/.ssh`);
  }
  host(name: string): Host {
    return hostNamed(this.state, name);
  }
  async stop(): Promise<void> {
    await Promise.all(Object.values(this.state.current?.hosts ?? {}).map(removeHost));
    this.state.remove();
  }
}

const pings = async (from: Host, to: string, ...more: string[]): Promise<boolean> =>
  (await from.exec(["ping", "-c1", "-W2", "-q", ...more, to], { check: false })).status === 0;
const text = async (host: Host, ...argv: string[]): Promise<string> => (await host.exec(argv)).stdout.trim();

const one = new Network(`t${process.pid}a`);
const two = new Network(`t${process.pid}b`);
beforeAll(() => Promise.all([one.start(), two.start()]));
afterAll(() => Promise.all([one.stop(), two.stop()]));

describe("wires", () => {
  test("hosts reach each other through the internet host, a hop in between", async () => {
    expect(await text(one.host("a"), "traceroute", "-n", "-q1", "-w2", "198.51.100.20")).toMatch(
      /1 {2}192\.0\.2\.1 .*\n.*2 {2}198\.51\.100\.20 /,
    );
  });

  test("the private link is a wire of its own, with its own MTU", async () => {
    expect(await pings(one.host("a"), "172.16.0.2", "-M", "do", "-s", "1572")).toBe(true);
    expect(await pings(one.host("a"), "198.51.100.20", "-M", "do", "-s", "1473")).toBe(false);
    const { packets } = await watch(one.host("a"), { filter: "net 172.16.0.0/30" }, () => pings(one.host("a"), "172.16.0.2"));
    expect(packets).toEqual([]);
  });

  test("the internet host says who calls", async () => {
    expect(await text(one.host("a"), "curl", "--silent", "http://192.0.2.1/")).toBe("198.51.100.10");
    expect(await text(one.host("a"), "curl", "--silent", "-d", "12345", "http://192.0.2.1/")).toBe("5");
    expect((await one.host("b").exec(["curl", "--silent", "http://192.0.2.1/bytes/1000000"])).stdout).toHaveLength(1_000_000);
  });

  test("nobody gets out of the machine", async () => {
    for (const name of ["a", "operator", "internet"]) expect(await pings(one.host(name), "9.9.9.9", "-W1")).toBe(false);
    expect(await text(one.host("internet"), "ip", "-json", "route", "show", "default")).toContain("unreachable");
  });

  test("two labs with the same addresses do not meet", async () => {
    const { packets } = await watch(two.host("b"), { filter: "icmp" }, () => pings(one.host("a"), "198.51.100.20"));
    expect(packets).toEqual([]);
    const here = await watch(one.host("b"), { filter: "icmp" }, () => pings(one.host("a"), "198.51.100.20"));
    expect(here.packets).toHaveLength(2);
  });

  test("all wires of a host can be watched at once", async () => {
    const { packets } = await watch(one.host("internet"), { device: "any", filter: "icmp and host 198.51.100.20" }, () =>
      pings(one.host("a"), "198.51.100.20"),
    );
    expect(packets).toHaveLength(4);
  });

  test("counters see fragments", async () => {
    const before = await counters(one.host("a"));
    await pings(one.host("a"), "198.51.100.20", "-M", "dont", "-s", "3000");
    const after = await counters(one.host("a"));
    expect((after["Ip.FragCreates"] ?? 0) - (before["Ip.FragCreates"] ?? 0)).toBe(3);
  });
});

describe("a host", () => {
  test("keeps its files to itself", async () => {
    const script = "for d in /etc /var/lib /run /root /home /usr/local /tmp; do echo here >$d/lab-test; done";
    await one.host("a").sh(script);
    for (const dir of ["/etc", "/var/lib", "/run", "/root", "/home", "/usr/local", "/tmp"]) {
      expect(existsSync(`${dir}/lab-test`)).toBe(false);
      expect((await one.host("b").exec(["test", "-e", `${dir}/lab-test`], { check: false })).status).toBe(1);
    }
  });

  test("sees nothing of the machine's keys, processes and names", async () => {
    expect(await text(one.host("a"), "ls", "/etc/ssh")).toBe("ssh_host_ed25519_key\nssh_host_ed25519_key.pub\nsshd_config");
    expect(await text(one.host("a"), "hostname")).toBe("a");
    expect(await text(one.host("a"), "sh", "-c", "ls /proc | grep -c '^[0-9]'")).toMatch(/^\d$/);
    expect((await one.host("operator").exec(["ls", "/root/.aws"], { check: false })).status).toBe(2);
  });

  test("lets the operator in over SSH, pinned, by address and by the app's name for it", async () => {
    expect(await text(one.host("operator"), "ssh", "198.51.100.10", "hostname")).toBe("a");
    expect(await text(one.host("operator"), "ssh", "b", "id -un")).toBe("root");
  });

  test("cannot change the app or this package through the operator", async () => {
    const { stderr } = await one.host("operator").exec(["touch", `${process.cwd()}/main.ts`], { check: false });
    expect(stderr).toContain("Read-only file system");
  });
});

describe("a Google VM", () => {
  const objects = (
    change: { mtu?: number; sourceRanges?: string[]; instances?: CloudObjects["instances"] } = {},
  ): CloudObjects => {
    const common = (id: string) => ({ id, selfLink: id, project: "p", name: id });
    return {
      networks: [{ ...common("net"), mtu: change.mtu ?? 1460 }],
      subnetworks: [{ ...common("sub"), region: "r", network: "net", cidr: "10.170.0.0/20", gateway: "10.170.0.1" }],
      addresses: [],
      firewalls: [
        {
          ...common("fw"),
          network: "net",
          direction: "INGRESS",
          priority: 1000,
          disabled: false,
          rules: [{ action: "allow", protocol: "icmp", ports: [] }],
          sourceRanges: change.sourceRanges ?? ["198.51.100.10/32"],
          sourceTags: [],
          destinationRanges: [],
          targetTags: ["vm"],
        },
      ],
      instances: change.instances ?? [
        {
          ...common("vm"),
          zone: "r-a",
          instanceId: "1",
          status: "RUNNING",
          machineType: "m",
          canIpForward: false,
          bootImage: "ubuntu",
          tags: ["vm"],
          labels: {},
          metadata: {
            "user-data":
              "#cloud-config\nusers: [{name: ops, sudo: 'ALL=(ALL) NOPASSWD:ALL', ssh_authorized_keys: [ssh-ed25519 AAAA]}]\n",
          },
          networkInterfaces: [
            { name: "nic0", network: "net", subnetwork: "sub", networkIp: "10.170.0.2", natIp: "203.0.113.10" },
          ],
        },
      ],
    };
  };
  const cloud = new NamespaceCloud(
    one.paths,
    one.state,
    () => "gcp",
    () => undefined,
  );

  test("appears with its network's MTU and its inner address only, and is seen by its outer one", async () => {
    await cloud.changed(objects());
    const vm = one.host("gcp");
    expect(await text(vm, "ip", "-brief", "-4", "address", "show", "ens4")).toMatch(/ens4@\S+\s+UP\s+10\.170\.0\.2\/32$/);
    expect(await text(vm, "cat", "/sys/class/net/ens4/mtu")).toBe("1460");
    expect(await text(vm, "curl", "--silent", "http://192.0.2.1/")).toBe("203.0.113.10");
    expect(await text(vm, "sudo", "-n", "-u", "ops", "sudo", "-n", "id", "-u")).toBe("0");
  });

  test("its firewall lets in what it names and nothing else", async () => {
    expect(await pings(one.host("a"), "203.0.113.10")).toBe(true);
    expect(await pings(one.host("b"), "203.0.113.10", "-W1")).toBe(false);
    await cloud.changed(objects({ sourceRanges: ["0.0.0.0/0"] }));
    expect(await pings(one.host("b"), "203.0.113.10")).toBe(true);
  });

  test("sends from no address but its own", async () => {
    await one.host("gcp").sh("ip addr add 10.9.9.9/32 dev lo");
    expect(await pings(one.host("gcp"), "198.51.100.10", "-W1", "-I", "10.9.9.9")).toBe(false);
  });

  test("follows its network's MTU while it runs, and goes when it is deleted", async () => {
    const { pid } = one.host("gcp");
    await cloud.changed(objects({ mtu: 1500 }));
    expect(await text(one.host("gcp"), "cat", "/sys/class/net/ens4/mtu")).toBe("1500");
    expect(one.host("gcp").pid).toBe(pid);
    await cloud.changed(objects({ instances: [] }));
    expect(existsSync(`/run/netns/${one.instance}-gcp`)).toBe(false);
    expect(one.state.required.hosts).not.toHaveProperty("gcp");
  });
});

describe("what an interruption leaves", () => {
  const broken = new Network(`t${process.pid}c`);
  afterEach(() => broken.stop());

  test("a namespace whose host never answered is removed with all that runs in it", async () => {
    broken.begin();
    broken.state.recordHost({ name: "a", netns: `${broken.instance}-a` });
    await run(["ip", "netns", "add", `${broken.instance}-a`]);
    const child = spawn("ip", ["netns", "exec", `${broken.instance}-a`, "sleep", "600"], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await until(
      "it to run there",
      10,
      async () => (await run(["ip", "netns", "pids", `${broken.instance}-a`])).stdout || undefined,
    );
    await removeHost(new StateFile(broken.paths).required.hosts.a ?? { name: "", netns: "" });
    await ended;
    expect(existsSync(`/run/netns/${broken.instance}-a`)).toBe(false);
  });

  test("a host that was killed is known to be dead", async () => {
    broken.begin();
    const host = await startHost(broken.paths, broken.state, { name: "a", netns: `${broken.instance}-a` });
    const record = broken.state.required.hosts.a ?? { name: "", netns: "" };
    expect(alive(record)).toBe(true);
    process.kill(host.pid, "SIGKILL");
    await until("its end", 5, () => Promise.resolve(alive(record) ? undefined : true));
    await expect(host.exec(["true"])).rejects.toThrow();
  });

  test("a namespace of somebody else's is left alone", async () => {
    await run(["ip", "netns", "add", `${broken.instance}-a`]);
    broken.begin();
    await expect(startHost(broken.paths, broken.state, { name: "a", netns: `${broken.instance}-a` })).rejects.toThrow(
      "is not this lab's",
    );
    expect(broken.state.required.hosts).toEqual({});
    await run(["ip", "netns", "del", `${broken.instance}-a`]);
  });

  test("one command at a time", async () => {
    const release = await lock(broken.paths);
    await expect(lock(broken.paths)).rejects.toThrow("another command is at work");
    await release();
    await (
      await lock(broken.paths)
    )();
  });
});
