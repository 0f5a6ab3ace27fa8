import { TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { interfacesOf } from "../lib/check/names";
import type { Compiled } from "../lib/compile";
import { deferredOf, directoryFromStack, NamedResource } from "./deploy";
import type { Directory } from "./directory";
import type { GceVm } from "./gce-vm";
import { sshIntent, type SshHost } from "./host";
import { WgNetwork } from "./network";
import { programDigest } from "./payload";
import { lazyMap } from "./tokens";
import { triggerKeys } from "./trigger-keys";

export interface Connection {
  /** What stands after `ssh`. */
  readonly destination: string;
  /** The host's name in known_hosts. */
  readonly hostKeyAlias: string;
  readonly directory: Directory;
  readonly user?: string;
  readonly port?: number;
  readonly jump?: string;
}

/**
 * A host's part of a deploy, two null_resources:
 *
 * - `NODE_membership` stands for the node's being in the network. Its only trigger is the name, so nothing but the node's leaving runs its destroy
 *   provisioner, which cleans the host. A VM has none: it goes as a whole, and a dead one must not block that.
 * - `NODE_config` is what the host should hold, for Terraform to compare and show. It runs nothing: `Deploy` takes the hosts whose config is another.
 */
export class Delivery {
  private readonly membership: NamedResource | undefined;
  private readonly config: NamedResource;

  constructor(
    private readonly scope: Construct,
    readonly name: string,
    private readonly connection: Connection,
    private readonly vm: GceVm | undefined,
  ) {
    this.membership = vm === undefined ? this.makeMembership() : undefined;
    this.config = new NamedResource(scope, "config", `${name}_config`, { triggers: this.lazyTriggers() });
  }

  /** Terraform's id of what the host should hold: another when that is. */
  get id(): string {
    return `\${${this.config.reference}.id}`;
  }

  /** What must stand before this host can be deployed to. */
  get references(): string[] {
    const machine = (this.vm?.all ?? []).map((one) => `${one.terraformResourceType}.${one.friendlyUniqueId}`);
    return [this.config.reference, ...(this.membership === undefined ? [] : [this.membership.reference]), ...machine];
  }

  /** Memberships go in the order of tunnels, so that a destroy begins at the entries; a ring is cut by the order. */
  prepare({ network, order }: Compiled, deliveries: ReadonlyMap<string, Delivery>): void {
    if (this.membership === undefined) return;
    const place = new Map(order.map((node, index) => [node.name, index]));
    const servers = network.tunnels.filter(({ client }) => client.node.name === this.name).map(({ server }) => server.node.name);
    const before = servers.filter((name) => (place.get(name) ?? 0) < (place.get(this.name) ?? 0));
    this.membership.dependsOn = [...new Set(before.flatMap((name) => deliveries.get(name)?.membership?.reference ?? []))].sort();
  }

  /** This host in WGCHAIN_HOSTS. */
  line({ network }: Compiled, rank: number): string {
    const { destination, hostKeyAlias, user, port, jump } = this.connection;
    const keys = interfacesOf(network).filter((one) => one.node.name === this.name);
    const ofVm = {
      new: 1,
      seconds: 300,
      keys: keys
        .map((one) => one.name)
        .sort()
        .join(","),
    };
    const words = { node: this.name, id: this.id, rank, destination, alias: hostKeyAlias, user, port, jump };
    return Object.entries({ ...words, ...(this.vm === undefined ? {} : ofVm) })
      .filter(([, value]) => value !== undefined && value !== "")
      .map(([name, value]) => `${name}=${value}`)
      .join(" ");
  }

  private makeMembership(): NamedResource {
    const { scope, name, connection } = this;
    const provisioner = Delivery.destroy(name, connection, TerraformStack.of(scope));
    return new NamedResource(scope, "membership", `${name}_membership`, {
      triggers: { node: name },
      provisioners: [{ type: "local-exec", when: "destroy", ...provisioner }],
    });
  }

  /** What it should hold, in words; addresses that only apply knows are references, so that a new one is delivered. */
  private lazyTriggers(): Record<string, string> {
    return lazyMap(() => {
      const { hosts, network } = WgNetwork.of(this.scope).result();
      const objects = hosts.find((host) => host.node === this.name)?.objects ?? {};
      const deferred = deferredOf(network).map((one) => [one.toString(), `\${${one.terraform}}`] as const);
      const resolve = (text: string): string =>
        text.includes("@{") ? deferred.reduce((result, [name, reference]) => result.replaceAll(name, reference), text) : text;
      // A VM made anew has nothing yet.
      const machine = this.vm === undefined ? {} : { "vm instance id": this.vm.instanceId };
      return { ...triggerKeys(objects, resolve), ...machine, "program wgchain-host": programDigest() };
    });
  }

  /** The connection to an existing host. */
  static connection(name: string, host: SshHost, directory: Directory): Connection {
    const { kind: _kind, ...ssh } = sshIntent(host);
    return { ...ssh, hostKeyAlias: `wgchain-${name}`, directory };
  }

  /** What local-exec runs, in the stack's directory, to take wgchain off a host. All of it is literal, as destroy provisioners need. */
  static destroy(
    name: string,
    { destination, hostKeyAlias, directory, user, port, jump }: Connection,
    stack: TerraformStack,
  ): { command: string; environment: Record<string, string> } {
    return {
      command: "bash wgchain/deliver destroy",
      environment: {
        WGCHAIN_NODE: name,
        WGCHAIN_SSH_DESTINATION: destination,
        ...(user === undefined ? {} : { WGCHAIN_SSH_USER: user }),
        ...(port === undefined ? {} : { WGCHAIN_SSH_PORT: String(port) }),
        ...(jump === undefined ? {} : { WGCHAIN_SSH_JUMP: jump }),
        WGCHAIN_DIR: directoryFromStack(directory, stack),
        WGCHAIN_HOST_KEY_ALIAS: hostKeyAlias,
      },
    };
  }
}
