import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ipv4Prefix } from "../lib/address";
import { natRules } from "./cloud-nat";
import { hostOf, removeHost, startHost, type Host } from "./host";
import { connect, routerPort, setUplinkMtu } from "./network";
import type { CloudBackend, CloudInstance, CloudObjects } from "./provider/cloud";
import { LabError, run } from "./run";
import { startSshd, type User } from "./sshd";
import type { Paths, StateFile } from "./state";
import { firstBoot, parseUserData } from "./user-data";

/** A Google VM as the lab runs it: a namespace host whose external address is 1:1 NAT at the internet host. */
export interface Vm {
  /** The node's name, else the instance's. */
  readonly host: string;
  readonly instanceId: string;
  /** Path below the API. */
  readonly instance: string;
  readonly mtuBytes: number;
  readonly internalAddress: string;
  readonly gateway: string;
  readonly externalAddress?: string;
  /** First user of its user-data. */
  readonly user?: string;
  readonly running: boolean;
}

/** Ubuntu's name for a Google VM's first network interface. */
const device = "ens4";

/** Makes namespace hosts of the VMs that Terraform creates, and keeps their NAT and firewall at the internet host. */
export class NamespaceCloud implements CloudBackend {
  /** What a person should know of how the stand-in differs. */
  readonly notes = new Set<string>();

  constructor(
    private readonly paths: Paths,
    private readonly state: StateFile,
    private readonly nodeOf: (instance: CloudInstance) => string | undefined,
    private readonly onChange: () => void,
  ) {}

  async changed(objects: CloudObjects): Promise<void> {
    const internet = hostOf(this.state.required.hosts.internet ?? { name: "internet", netns: "" });
    const wanted = objects.instances.map((instance) => this.desired(instance, objects));
    for (const vm of this.state.required.vms) {
      if (!wanted.some(({ instanceId }) => instanceId === vm.instanceId)) await this.remove(internet, vm);
    }
    for (const vm of wanted) {
      const before = this.state.required.vms.find(({ instanceId }) => instanceId === vm.instanceId);
      const instance = objects.instances.find(({ instanceId }) => instanceId === vm.instanceId);
      if (before === undefined) await this.create(internet, vm, instance?.metadata["user-data"]);
      else await this.alter(internet, before, vm);
    }
    await run(["ip", "netns", "exec", internet.netns, "nft", "-f", "-"], { input: natRules(this.state.required.vms, objects) });
    this.onChange();
  }

  private desired(instance: CloudInstance, objects: CloudObjects): Vm {
    const [nic, ...more] = instance.networkInterfaces;
    if (nic === undefined || more.length > 0)
      throw new LabError(`VM '${instance.name}': the lab gives a VM exactly one network interface`);
    const subnetwork = objects.subnetworks.find(({ id }) => id === nic.subnetwork);
    const network = objects.networks.find(({ id }) => id === nic.network);
    if (subnetwork === undefined || network === undefined) {
      throw new LabError(
        `VM '${instance.name}': its network and subnetwork must be resources of the same app; the lab's cloud has no others`,
      );
    }
    const userData = instance.metadata["user-data"];
    const user = userData === undefined ? undefined : parseUserData(userData).users[0]?.name;
    return {
      host: this.nodeOf(instance) ?? instance.name,
      instanceId: instance.instanceId,
      instance: instance.id,
      mtuBytes: network.mtu,
      internalAddress: nic.networkIp,
      gateway: subnetwork.gateway || Ipv4Prefix.parse(subnetwork.cidr).nth(1).toString(),
      ...(nic.natIp === undefined ? {} : { externalAddress: nic.natIp }),
      ...(user === undefined ? {} : { user }),
      running: instance.status === "RUNNING",
    };
  }

  private uplink(vm: Vm): Parameters<typeof setUplinkMtu>[1] {
    const { host, internalAddress: address, gateway, mtuBytes } = vm;
    return { host, netns: `${this.paths.instance}-${host}`, device, address, gateway, mtuBytes };
  }

  private async create(internet: Host, vm: Vm, userData: string | undefined): Promise<void> {
    const other = this.state.required.vms.find(({ internalAddress }) => internalAddress === vm.internalAddress);
    if (other !== undefined) {
      throw new LabError(
        `VMs '${other.host}' and '${vm.host}' both have ${vm.internalAddress}; the lab's internet host needs them apart`,
      );
    }
    if (vm.host in this.state.required.hosts) {
      throw new LabError(`VM '${vm.host}' has the name of another host of the lab; rename one`);
    }
    const host = await startHost(this.paths, this.state, { name: vm.host, netns: `${this.paths.instance}-${vm.host}` });
    try {
      await connect(internet, this.uplink(vm));
      if (vm.externalAddress !== undefined) await this.route(internet, "replace", vm, vm.externalAddress);
      if (userData === undefined) {
        this.notes.add(`VM '${vm.host}' has no user-data: nobody can log in`);
      } else {
        const data = parseUserData(userData);
        for (const key of data.ignored) this.notes.add(`VM '${vm.host}': the lab's stand-in for cloud-init ignores '${key}'`);
        await firstBoot(host, { ...data, users: data.users.map((user) => this.letOperatorIn(user)) });
      }
      await startSshd(host, { rootLogin: false }); // Google's images bar root
      this.state.update({ vms: [...this.state.required.vms, vm] });
    } catch (error) {
      await this.remove(internet, vm);
      throw error;
    }
    await this.setRunning(internet, vm);
  }

  /** The app may name the person's own key, whose private half no lab run touches: who may log in with a key may with the lab's too. */
  private letOperatorIn(user: User): User {
    if (user.authorizedKeys.length === 0) return user;
    const key = readFileSync(join(this.paths.ssh, "id_ed25519.pub"), "utf8").trim();
    return { ...user, authorizedKeys: [...new Set([...user.authorizedKeys, key])] };
  }

  private async alter(internet: Host, before: Vm, vm: Vm): Promise<void> {
    if (before.mtuBytes !== vm.mtuBytes) await setUplinkMtu(internet, this.uplink(vm));
    if (before.externalAddress !== vm.externalAddress) {
      if (before.externalAddress !== undefined) await this.route(internet, "del", vm, before.externalAddress);
      if (vm.externalAddress !== undefined) await this.route(internet, "replace", vm, vm.externalAddress);
    }
    if (before.running !== vm.running) await this.setRunning(internet, vm);
    // the user is of the first boot: changed user-data never runs again
    const { user: _new, ...rest } = vm;
    const next: Vm = before.user === undefined ? rest : { ...rest, user: before.user };
    this.state.update({ vms: this.state.required.vms.map((one) => (one.instanceId === vm.instanceId ? next : one)) });
  }

  private async remove(internet: Host, vm: Vm): Promise<void> {
    const record = this.state.required.hosts[vm.host];
    if (record !== undefined) await removeHost(record);
    this.state.forgetHost(vm.host);
    this.state.update({ vms: this.state.required.vms.filter(({ instanceId }) => instanceId !== vm.instanceId) });
    // the internet host's end goes with its peer, but a moment later
    await run(["ip", "-n", internet.netns, "link", "del", routerPort(vm.host)], { check: false });
  }

  private async setRunning(internet: Host, vm: Vm): Promise<void> {
    await run(["ip", "-n", internet.netns, "link", "set", routerPort(vm.host), vm.running ? "up" : "down"]);
    if (!vm.running) return;
    for (const address of [vm.internalAddress, vm.externalAddress]) {
      if (address !== undefined) await this.route(internet, "replace", vm, address);
    }
  }

  /** A route for the external address too: the NAT is done after the internet host has found a way for it. */
  private async route(internet: Host, verb: "replace" | "del", vm: Vm, address: string): Promise<void> {
    const route = ["ip", "-n", internet.netns, "route", verb, `${address}/32`, "dev", routerPort(vm.host), "src", "192.0.2.1"];
    await run(route, { check: verb === "replace" });
  }
}
