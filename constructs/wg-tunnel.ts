import { Construct } from "constructs";
import type { KeyIntent, TunnelEndIntent } from "../lib/intent";
import { WgNetwork } from "./network";
import { lazyText } from "./tokens";
import type { WgNode } from "./wg-node";

/** What is set of one end of a `WgTunnel`. */
export interface WgTunnelEndProps {
  /** Name of the interface on this end's node, 15 characters at most. @default the tunnel's name */
  readonly interfaceName?: string;
  /** UDP port, 1 to 65535, each used once on a node. @default allocated from the names of node and interface */
  readonly listenPort?: number;
  /** MTU in bytes, only to say the same on both ends by hand; unequal ends are an error. @default the tunnel's */
  readonly mtuBytes?: number;
  /** WireGuard public key of this end, 44 characters of base64. @default the file `keys/NODE.INTERFACE.pub` in wgchain's directory */
  readonly publicKey?: string;
}

/** What a `WgTunnel` is made of. */
export interface WgTunnelProps {
  /** The end that listens; traffic towards exits arrives here. */
  readonly server: WgNode;
  /** The end that opens the tunnel; traffic towards exits leaves here. */
  readonly client: WgNode;
  /** What it runs over: the hosts' public addresses, or the private line that both have a `privateAddress` on. @default "public" */
  readonly over?: "public" | "private";
  /** Network of the tunnel, e.g. "10.66.220.0/24": the two ends and the labels. It overlaps no other network of the stack. */
  readonly network: string;
  /** Address of the server end in `network`, e.g. "10.66.220.200". */
  readonly serverAddress: string;
  /** Address of the client end in `network`, with which all leaves that no label marks. @default none: its labels are its addresses */
  readonly clientAddress?: string;
  /**
   * Destinations that the client end's own host reaches through the tunnel, e.g. ["1.1.1.1/32"]: what it sends itself, from `clientAddress`, and nothing
   * that it forwards for others, nor answers to who calls another of its addresses from there. They leave at the server end when that is an exit, else by its policies; with the tunnel down they reach nothing.
   * @default none
   */
  readonly ownRoutes?: readonly string[];
  /**
   * AllowedIPs of the client end: what WireGuard lets through it, both ways. Narrower than what is sent through the tunnel is refused, since WireGuard
   * would drop that in silence. @default everything
   */
  readonly allowedIps?: readonly string[];
  /**
   * MTU of the tunnel in bytes, the same on both ends, 576 or more.
   * @default the underlay's MTU minus 60, WireGuard's overhead over IPv4 (1460 gives 1400); more is an error
   */
  readonly mtuBytes?: number;
  /** How often the client end keeps the way open, in seconds, 0 to 65535; 0 for never. @default 25 */
  readonly keepaliveSeconds?: number;
  /**
   * Whether a pre-shared key is mixed in, so that what is recorded today stays closed to a quantum computer of tomorrow. `wgchain keys` makes it; its
   * digest stands in `keys/SERVER_NODE.INTERFACE.psk.sha256` in wgchain's directory. @default false
   */
  readonly presharedKey?: boolean;
  /** What is set of the server's end. @default see `WgTunnelEndProps` */
  readonly serverEnd?: WgTunnelEndProps;
  /** What is set of the client's end. @default see `WgTunnelEndProps` */
  readonly clientEnd?: WgTunnelEndProps;
}

/** A WireGuard tunnel between two nodes. Its name, the construct's id, is the interface's name on both. */
export class WgTunnel extends Construct {
  /** The construct's id. */
  readonly name: string;
  /** The node of the end that listens. */
  readonly server: WgNode;
  /** The node of the end that opens the tunnel. */
  readonly client: WgNode;
  /** Network of the tunnel. */
  readonly network: string;
  /** Address of the server end. */
  readonly serverAddress: string;
  /** Its interface at the client end, "node/interface". */
  readonly clientInterface: string;

  constructor(scope: Construct, id: string, props: WgTunnelProps) {
    super(scope, id);
    this.name = id;
    this.server = props.server;
    this.client = props.client;
    this.network = props.network;
    this.serverAddress = props.serverAddress;
    this.clientInterface = `${props.client.name}/${props.clientEnd?.interfaceName ?? id}`;
    const network = WgNetwork.of(this);
    network.addTunnel({
      path: this.node.path,
      name: id,
      server: this.end(props.server, props.serverEnd, props.mtuBytes, network),
      client: this.end(props.client, props.clientEnd, props.mtuBytes, network),
      over: props.over ?? "public",
      network: props.network,
      serverAddress: props.serverAddress,
      ...(props.ownRoutes === undefined ? {} : { ownRoutes: props.ownRoutes }),
      ...(props.allowedIps === undefined ? {} : { allowedIps: props.allowedIps }),
      keepaliveSeconds: props.keepaliveSeconds ?? 25,
      ...(props.clientAddress === undefined ? {} : { clientAddress: props.clientAddress }),
      ...(props.presharedKey === true ? { preshared: this.presharedKey(props, network) } : {}),
    });
    const { vm } = props.server;
    if (props.over !== "private") {
      vm?.allowUdp(
        id,
        lazyText(() => this.serverPort(network)),
        [`${props.client.address}/32`],
      );
    }
  }

  private end(node: WgNode, props: WgTunnelEndProps = {}, mtuBytes: number | undefined, network: WgNetwork): TunnelEndIntent {
    const interfaceName = props.interfaceName ?? this.name;
    const mtu = props.mtuBytes ?? mtuBytes;
    return {
      node: node.node.path,
      interfaceName,
      key:
        props.publicKey === undefined
          ? network.directory.key(`${node.name}.${interfaceName}`)
          : { text: props.publicKey, source: "publicKey" },
      ...(props.listenPort === undefined ? {} : { listenPort: props.listenPort }),
      ...(mtu === undefined ? {} : { mtuBytes: mtu }),
    };
  }

  private presharedKey({ server, serverEnd }: WgTunnelProps, network: WgNetwork): KeyIntent {
    return network.directory.presharedKeyDigest(`${server.name}.${serverEnd?.interfaceName ?? this.name}`);
  }

  private serverPort(network: WgNetwork): string {
    return String(network.result().network.tunnels.find(({ path }) => path === this.node.path)?.server.listenPort ?? "");
  }
}
