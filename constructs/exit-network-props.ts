import type { DnsProps } from "./client-interface";
import type { FailoverProps } from "./failover";
import type { WgNode } from "./wg-node";
import type { WgTunnelProps } from "./wg-tunnel";

/** An exit of an `ExitNetwork`, and the way to it. */
export interface ExitProps {
  /** The nodes behind the entry, in order; the last is the exit. */
  readonly through: readonly [WgNode, ...WgNode[]];
}

/** A client of an `ExitNetwork`. */
export interface ExitClientProps {
  /** Name of the exit it leaves at, or of several in order: then it leaves at the first that is alive. A name that `exits` does not have is an error. */
  readonly exit: string | readonly string[];
  /** Its address, in the lower half of `addressSpace`. @default allocated from its name */
  readonly address?: string;
  /** WireGuard public key, 44 characters of base64. @default the file `keys/client.NAME.pub` in wgchain's directory */
  readonly publicKey?: string;
  /** A label of its own on the first tunnel, instead of the exit's. @default false */
  readonly ownLabel?: boolean;
}

/** What is set by hand of a tunnel that would be allocated. */
export interface LinkProps extends Partial<Omit<WgTunnelProps, "server" | "client" | "clientAddress">> {
  /** Addresses of labels, by exit, or by "EXIT/CLIENT" for a client's own; of several exits "EXIT-or-EXIT". @default allocated */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What an `ExitNetwork` is made of. */
export interface ExitNetworkProps {
  /** The node that clients connect to. */
  readonly entry: WgNode;
  /** Exits by name. Nodes in `through` that two exits begin with alike are joined by the same tunnels. */
  readonly exits: Readonly<Record<string, ExitProps>>;
  /** Clients by name. @default those of `clientsFile` alone */
  readonly clients?: Readonly<Record<string, ExitClientProps>>;
  /**
   * More clients: a YAML file, relative to the app's working directory, which `wgchain client` edits. Maps `clients` by name to what
   * `ExitClientProps` has, and `revoked` by name to an address that nobody else gets. A mistake in it is a problem with line and column.
   */
  readonly clientsFile?: string;
  /** All that is allocated lies in it: clients in the lower half, a /25 for each tunnel in the upper; a /23 at least. @default "10.77.0.0/16" */
  readonly addressSpace?: string;
  /** Name of the entry's interface for clients. @default "wgs" */
  readonly clientInterface?: string;
  /** UDP port that clients connect to. @default 51820 */
  readonly listenPort?: number;
  /** Whom its clients ask for names, and whether nobody else answers. @default their configurations name nobody */
  readonly dns?: DnsProps;
  /** How exits are measured between which clients fail over. @default as `FailoverProps` has it */
  readonly failover?: FailoverProps;
  /** Whether all its tunnels use a pre-shared key; `links` may say otherwise of one. @default false */
  readonly presharedKeys?: boolean;
  /**
   * By "CLIENT_NODE-SERVER_NODE" (e.g. "sz-hk"): what is set by hand of the tunnel between the two; a name that no exit's way has is an error.
   * @default all of it is allocated
   */
  readonly links?: Readonly<Record<string, LinkProps>>;
}
