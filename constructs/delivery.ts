import * as path from "node:path";
import { App, Lazy, TerraformStack, Token, type LocalExecProvisioner } from "cdktf";
import { Resource } from "@cdktf/provider-null/lib/resource";
import type { Construct } from "constructs";
import { DeferredAddress } from "../lib/address";
import { interfacesOf } from "../lib/check/names";
import type { Compiled } from "../lib/compile";
import type { Network } from "../lib/model/model";
import type { Directory } from "./directory";
import type { GceVm } from "./gce-vm";
import { sshIntent, type SshHost } from "./host";
import { WgNetwork } from "./network";
import { programDigest } from "./payload";

type Verb = "add" | "confirm" | "destroy";

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
 * How configuration reaches a host: three null_resources.
 *
 * - `NODE_membership` stands for the node's being in the network. Its only trigger is the name, so nothing but the node's leaving runs its destroy
 *   provisioner, which cleans the host. A VM has none: it goes as a whole, and a dead one must not block that.
 * - `NODE_add` brings what is wanted, adding only; exits first, entries last.
 * - `NODE_confirm` opens a new session after all hosts have added, and prunes; entries first.
 */
export class Delivery {
  private readonly membership: Resource | undefined;
  private readonly add: Resource;
  private readonly confirm: Resource;

  constructor(
    private readonly scope: Construct,
    readonly name: string,
    private readonly connection: Connection,
    private readonly vm: GceVm | undefined,
  ) {
    this.membership =
      vm === undefined ? this.resource("membership", { node: name }, [this.provisioner("destroy", {})]) : undefined;
    this.add = this.resource("add", this.lazyTriggers(), [
      this.provisioner("add", { ...this.vmEnvironment(), ...this.values(), ...this.privateKeys() }),
    ]);
    this.confirm = this.resource("confirm", { add: this.add.id }, [
      this.provisioner("confirm", { ...this.vmEnvironment(), ...this.values() }),
    ]);
  }

  prepare({ network, order }: Compiled, deliveries: ReadonlyMap<string, Delivery>): void {
    const rank = new Map(order.map((node, index) => [node.name, index]));
    const own = rank.get(this.name) ?? 0;
    const linked = (from: "client" | "server", to: "client" | "server"): Delivery[] =>
      network.tunnels
        .filter((tunnel) => tunnel[from].node.name === this.name)
        .flatMap((tunnel) => deliveries.get(tunnel[to].node.name) ?? []);
    // A node is added after those it sends to, and confirmed after those that send to it; a ring of tunnels is cut by the order.
    const before = linked("client", "server").filter(({ name }) => (rank.get(name) ?? 0) < own);
    const behind = linked("server", "client").filter(({ name }) => (rank.get(name) ?? 0) > own);
    const ids = (resources: (Resource | undefined)[]): string[] =>
      [...new Set(resources.flatMap((one) => (one === undefined ? [] : [`null_resource.${one.friendlyUniqueId}`])))].sort();
    if (this.membership !== undefined) this.membership.dependsOn = ids(before.map((one) => one.membership));
    this.add.dependsOn = [
      ...ids([this.membership, ...before.map((one) => one.add)]),
      ...(this.vm?.all ?? []).map((one) => `${one.terraformResourceType}.${one.friendlyUniqueId}`),
    ];
    this.confirm.dependsOn = ids([...[...deliveries.values()].map((one) => one.add), ...behind.map((one) => one.confirm)]);
  }

  private resource(kind: string, triggers: Record<string, string>, provisioners: LocalExecProvisioner[]): Resource {
    const resource = new Resource(this.scope, kind, { triggers, provisioners });
    // By name and not by place in the tree: moving a construct must not destroy and clean a live host.
    resource.overrideLogicalId(`${this.name}_${kind}`);
    return resource;
  }

  /** One key an object, in words; addresses that only apply knows are references, so that a new one is delivered. */
  private lazyTriggers(): Record<string, string> {
    return Token.asStringMap(
      Lazy.anyValue({
        produce: ({ preparing }) => {
          if (preparing) return {};
          const { hosts, network } = WgNetwork.of(this.scope).result();
          const objects = hosts.find((host) => host.node === this.name)?.objects ?? {};
          const resolve = (text: string): string =>
            deferredOf(network).reduce((result, one) => result.replaceAll(one.toString(), `\${${one.terraform}}`), text);
          const resolved = Object.fromEntries(Object.entries(objects).map(([key, value]) => [key, resolve(value)]));
          // A VM made anew has nothing yet.
          const machine = this.vm === undefined ? {} : { "vm instance id": this.vm.instance.instanceId };
          return { ...resolved, ...machine, "program wgchain-host": programDigest() };
        },
      }),
    );
  }

  private provisioner(verb: Verb, environment: Record<string, string>): LocalExecProvisioner {
    const { command, environment: common } = Delivery.command(verb, this.name, this.connection, TerraformStack.of(this.scope));
    return {
      type: "local-exec",
      command,
      ...(verb === "destroy" ? { when: "destroy" as const } : {}),
      environment: { ...common, ...environment },
    };
  }

  private vmEnvironment(): Record<string, string> {
    return this.vm === undefined ? {} : { WGCHAIN_ACCEPT_NEW: "1", WGCHAIN_CONNECT_SECONDS: "300" };
  }

  /** The addresses that only apply knows and that this host's files hold. */
  private values(): Record<string, string> {
    const text = this.lazyText(({ hosts, network }) => {
      const files = Object.values(hosts.find((host) => host.node === this.name)?.files ?? {});
      return deferredOf(network)
        .filter((address) => files.some((file) => file.includes(address.toString())))
        .map((address) => `${address.name}=\${${address.terraform}}`)
        .join("\n");
    });
    return { WGCHAIN_VALUES: text };
  }

  private privateKeys(): Record<string, string> {
    if (this.vm === undefined) return {};
    const names = this.lazyText(({ network }) =>
      interfacesOf(network)
        .filter((one) => one.node.name === this.name)
        .map((one) => one.name)
        .sort()
        .join(" "),
    );
    return { WGCHAIN_PRIVATE_KEYS: names };
  }

  private lazyText(of: (compiled: Compiled) => string): string {
    return Lazy.stringValue({ produce: ({ preparing }) => (preparing ? "" : of(WgNetwork.of(this.scope).result())) });
  }

  /** The connection to an existing host. */
  static connection(name: string, host: SshHost, directory: Directory): Connection {
    const { kind: _kind, ...ssh } = sshIntent(host);
    return { ...ssh, hostKeyAlias: `wgchain-${name}`, directory };
  }

  /** What local-exec runs; it runs in the stack's directory. All of it but Google's addresses is literal, as destroy provisioners need. */
  static command(
    verb: Verb,
    name: string,
    connection: Connection,
    stack: TerraformStack,
  ): { command: string; environment: Record<string, string> } {
    return {
      command: `bash wgchain/deliver ${verb}`,
      environment: {
        WGCHAIN_NODE: name,
        WGCHAIN_PAYLOAD: `wgchain/nodes/${name}`,
        WGCHAIN_SSH_DESTINATION: connection.destination,
        ...(connection.user === undefined ? {} : { WGCHAIN_SSH_USER: connection.user }),
        ...(connection.port === undefined ? {} : { WGCHAIN_SSH_PORT: String(connection.port) }),
        ...(connection.jump === undefined ? {} : { WGCHAIN_SSH_JUMP: connection.jump }),
        WGCHAIN_DIR: directoryFromStack(connection.directory, stack),
        WGCHAIN_HOST_KEY_ALIAS: connection.hostKeyAlias,
      },
    };
  }
}

const deferredOf = (network: Network): DeferredAddress[] =>
  network.nodes.flatMap(({ address }) => (address instanceof DeferredAddress ? [address] : []));

function directoryFromStack(directory: Directory, stack: TerraformStack): string {
  if (path.isAbsolute(directory.path)) return directory.path;
  const app = stack.node.root;
  const outdir = App.isApp(app) ? path.resolve(app.outdir) : path.resolve("cdktf.out");
  return path.relative(path.join(outdir, "stacks", stack.node.id), directory.absolute);
}
