import { Construct } from "constructs";
import { DeferredAddress } from "../lib/address";
import type { GceIntent, NodeIntent } from "../lib/intent";
import { gceDiskGb, gceMtuBytes, linkMtuBytes } from "../lib/model/numbers";
import { ClientInterface, type ClientInterfaceProps } from "./client-interface";
import { Delivery, type Connection } from "./delivery";
import type { GceVm } from "./gce-vm";
import { sshIntent, type GceHost, type Host } from "./host";
import { WgNetwork } from "./network";
import { onDemand } from "./on-demand";

/** What a `WgNode` is made of. */
export interface WgNodeProps {
  /** Where it runs: `Host.ssh(...)` or `Host.gce(...)`. */
  readonly host: Host;
  /** MTU of the link to the internet, bytes, 576 to 9216. At Google it is the network's (`networkMtuBytes`). @default 1500 */
  readonly mtuBytes?: number;
  /** Address on a private line with its prefix length, e.g. "172.16.0.1/30"; nodes with the same network share the line. @default none */
  readonly privateAddress?: string;
  /** MTU of the private line, bytes, 576 to 9216; the same on both ends. @default 1500 */
  readonly privateMtuBytes?: number;
  /** Whether traffic may leave here to the internet, masqueraded. @default false */
  readonly exit?: boolean;
  /**
   * How often the host puts back what has changed on it since the last deploy: a time span of systemd's, e.g. "5min" or "1h 30min", from a minute to a
   * week. @default never
   */
  readonly repairEvery?: string;
  /**
   * Name in files, keys and Terraform: a letter, then letters, digits, dash and underscore; at Google lower-case letters, digits and dashes, 52 at most.
   * @default the construct's id
   */
  readonly name?: string;
}

/** A host of the network. At Google the deploy makes the virtual machine; an existing host is reached by `ssh`. */
export class WgNode extends Construct {
  /** Name in files, keys and Terraform. */
  readonly name: string;
  /** The virtual machine, when the node is one of Google's. */
  readonly vm: GceVm | undefined;
  /** Public address: a literal, or a reference to Google's. */
  readonly address: string;
  private readonly network: WgNetwork;

  constructor(scope: Construct, id: string, props: WgNodeProps) {
    super(scope, id);
    const { host } = props;
    this.name = props.name ?? id;
    this.network = WgNetwork.of(this);
    this.vm = host.kind === "gce" ? this.makeVm(host) : undefined;
    this.address = host.kind === "gce" ? (this.vm?.address ?? "") : host.address;
    const connection = this.connection(host);
    const delivery = connection && new Delivery(this, this.name, connection, this.vm);
    this.network.addNode(this.toIntent(props), delivery);
  }

  /** The interface that end users' clients connect to. */
  serveClients(interfaceName: string, props: ClientInterfaceProps): ClientInterface {
    return new ClientInterface(this, interfaceName, { ...props, node: this });
  }

  private makeVm(host: GceHost): GceVm {
    return new (onDemand.gceVm().GceVm)(this, "vm", {
      ...host,
      name: this.name,
      authorizedKeys: host.authorizedKeys ?? this.network.directory.authorizedKeys(),
    });
  }

  /** Undefined: nothing is delivered to it. */
  private connection(host: Host): Connection | undefined {
    if (host.kind === "unmanaged") return undefined;
    if (host.kind === "ssh") return Delivery.connection(this.name, host, this.network.directory);
    return {
      destination: this.address,
      user: host.user ?? onDemand.gceVm().GceVm.defaultUser,
      hostKeyAlias: `wgchain-${this.name}-${this.vm?.instanceId ?? ""}`,
      directory: this.network.directory,
    };
  }

  private toIntent(props: WgNodeProps): NodeIntent {
    const { host, privateAddress, repairEvery } = props;
    return {
      path: this.node.path,
      name: this.name,
      address: this.vm === undefined ? this.address : new DeferredAddress(`${this.name}_address`, this.vm.addressReference),
      host: host.kind === "ssh" ? sshIntent(host) : host.kind === "gce" ? this.gceIntent(host) : { kind: host.kind },
      uplinkMtuBytes:
        host.kind === "gce" ? (host.networkMtuBytes ?? gceMtuBytes.normal) : (props.mtuBytes ?? linkMtuBytes.ethernet),
      privateMtuBytes: props.privateMtuBytes ?? linkMtuBytes.ethernet,
      exit: props.exit ?? false,
      ...(privateAddress === undefined ? {} : { privateAddress }),
      ...(repairEvery === undefined ? {} : { repairEvery }),
    };
  }

  private gceIntent(host: GceHost): GceIntent {
    const { GceVm } = onDemand.gceVm();
    return {
      kind: "gce",
      zone: host.zone,
      machineType: host.machineType ?? GceVm.defaultMachineType,
      diskSizeGb: host.diskSizeGb ?? gceDiskGb.normal,
      user: host.user ?? GceVm.defaultUser,
      sshFrom: host.sshFrom,
      subnetwork: host.subnetwork ?? GceVm.defaultSubnetwork,
      image: host.image ?? GceVm.defaultImage,
      imageHasCloudInit: host.imageHasCloudInit ?? false,
      authorizedKeys: host.authorizedKeys ?? this.network.directory.authorizedKeys(),
      instance: this.vm?.instanceReference ?? "",
    };
  }
}
