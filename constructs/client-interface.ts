import { Construct } from "constructs";
import { WgNetwork } from "./network";
import { lazyText } from "./tokens";
import type { WgNode } from "./wg-node";

/** What `WgNode.serveClients` takes. */
export interface ClientInterfaceProps {
  /** The interface's own address with the clients' network, e.g. "10.66.224.1/19"; it overlaps no other network of the stack, and holds no host's address. */
  readonly address: string;
  /** UDP port, 1 to 65535, open to everybody at Google. @default allocated from the names of node and interface */
  readonly listenPort?: number;
  /** MTU of the interface in bytes, 576 or more. @default the uplink's MTU minus 60, WireGuard's overhead over IPv4; more is an error */
  readonly mtuBytes?: number;
  /** Whom its clients ask for names. @default their configurations name nobody */
  readonly dns?: DnsProps;
}

/** Whom clients ask for names: a client's query is a packet like others, so it leaves at the client's exit. */
export interface DnsProps {
  /**
   * One to three resolvers, e.g. ["9.9.9.9"], in order of preference; public IPv4 addresses, since they are asked from the exits. They stand in the
   * configurations that `wgchain client` prints. An address of the network's own, a private one, or one that some client's way does not lead to is an error.
   */
  readonly servers: readonly string[];
  /**
   * Whether the entry sends to the first of `servers` what clients send to any other address' port 53, UDP and TCP; the answer seems to come from whom
   * they asked. Addresses of the network itself (a client that is a resolver for others) stay as they are, and so do DNS over TLS and over HTTPS,
   * which nobody on the way can read. @default false
   */
  readonly enforce?: boolean;
}

/** The interface that end users' clients connect to. Made by `WgNode.serveClients`. */
export class ClientInterface extends Construct {
  /** The node that it stands on. */
  readonly wgNode: WgNode;
  /** @internal */
  readonly network: WgNetwork;
  /** As the network knows it; looked up once, not by each of thousands of clients. @internal */
  readonly path: string;

  constructor(scope: Construct, interfaceName: string, props: ClientInterfaceProps & { readonly node: WgNode }) {
    super(scope, interfaceName);
    this.wgNode = props.node;
    this.path = this.node.path;
    const network = WgNetwork.of(this);
    this.network = network;
    const { listenPort, mtuBytes, dns } = props;
    network.addClientInterface({
      path: this.path,
      node: props.node.node.path,
      name: interfaceName,
      address: props.address,
      key: network.directory.key(`${props.node.name}.${interfaceName}`),
      ...(listenPort === undefined ? {} : { listenPort }),
      ...(mtuBytes === undefined ? {} : { mtuBytes }),
      ...(dns === undefined ? {} : { dns: { servers: [...dns.servers], enforce: dns.enforce ?? false } }),
    });
    props.node.vm?.allowUdp(
      interfaceName,
      lazyText(() => this.portOf(network)),
      ["0.0.0.0/0"],
    );
  }

  /** A person's device: the addresses it may send from, each of which a policy can send another way. */
  addClient(name: string, props: WgClientProps): WgClient {
    return new WgClient(this, name, { ...props, interface: this });
  }

  private portOf(network: WgNetwork): string {
    const own = network.result().network.clientInterfaces.find(({ path }) => path === this.path);
    return String(own?.listenPort ?? "");
  }
}

/** What `ClientInterface.addClient` takes. */
export interface WgClientProps {
  /** Its addresses in the interface's network, e.g. ["10.66.224.2"]; each is one client's alone. */
  readonly addresses: readonly string[];
  /** WireGuard public key, 44 characters of base64; each is one peer's alone. @default the file `keys/client.NAME.pub` in wgchain's directory */
  readonly publicKey?: string;
}

/** A person's device, made by `ClientInterface.addClient`; may stand in the `from` of a `SourcePolicy`. */
export class WgClient extends Construct {
  /** All addresses that it may send from. */
  readonly addresses: readonly string[];

  constructor(scope: Construct, name: string, props: WgClientProps & { readonly interface: ClientInterface }) {
    super(scope, name);
    this.addresses = [...props.addresses];
    const { network, path } = props.interface;
    network.addClient({
      path: `${path}/${this.node.id}`,
      name,
      interface: path,
      addresses: this.addresses,
      key:
        props.publicKey === undefined ? network.directory.key(`client.${name}`) : { text: props.publicKey, source: "publicKey" },
    });
  }
}
