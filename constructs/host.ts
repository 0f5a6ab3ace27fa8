import type { SshIntent } from "../lib/intent";

/**
 * Where a node runs: an existing host that SSH reaches, a virtual machine of Google Compute Engine that the deploy makes, or a host of somebody else's,
 * which is part of the network and to which nothing is delivered.
 */
export type Host = SshHost | GceHost | UnmanagedHost;

/** What `Host.ssh` takes. */
export interface SshHostProps {
  /** The host's public IPv4 address: what tunnels find it by, and what the world sees when it is an exit. */
  readonly address: string;
  /**
   * What stands after `ssh`: an alias of your ssh_config, a name or an address. Everything ssh_config says of it (user, port, key, jump host,
   * agent) holds.
   * @default `address`
   */
  readonly destination?: string;
  /** Root, or a user with `sudo -n`. @default what ssh_config says */
  readonly user?: string;
  /** SSH port, 1 to 65535. @default what ssh_config says */
  readonly port?: number;
  /** Jump host, as `ssh -J` takes it: [USER@]HOST[:PORT], an IPv6 address in brackets, several joined by commas. @default what ssh_config says */
  readonly jump?: string;
}

/** What `Host.gce` takes. */
export interface GceHostProps {
  /** Zone, e.g. "asia-east2-a". Another zone makes the VM anew. */
  readonly zone: string;
  /** Google's machine type. @default "e2-micro" */
  readonly machineType?: string;
  /** MTU of the VPC network in bytes, 1300 to 8896; the tunnel's MTU follows from it on both ends. @default 1460, Google's own default */
  readonly networkMtuBytes?: number;
  /** IPv4 range of the VPC network's only subnetwork; it overlaps no network of the stack. @default "10.170.0.0/24" */
  readonly subnetwork?: string;
  /**
   * Prefixes that may open SSH to the VM: where you deploy from, e.g. ["198.51.100.200/32"]. None is an error, for nobody could configure it;
   * so is 0.0.0.0/0.
   */
  readonly sshFrom: readonly string[];
  /** User that cloud-init makes, with `sudo` without password. @default "wgchain" */
  readonly user?: string;
  /** SSH public keys of that user, lines of authorized_keys. @default the file `authorized_keys` in wgchain's directory */
  readonly authorizedKeys?: readonly string[];
  /**
   * Boot image; it needs cloud-init, which Google's own Debian images do not have. Ubuntu LTS does.
   * @default "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
   */
  readonly image?: string;
  /** Say so when `image` is one of your own and has cloud-init. @default false */
  readonly imageHasCloudInit?: boolean;
  /** Size of the boot disk in GB, 10 to 65536. @default 10 */
  readonly diskSizeGb?: number;
}

/** A host that exists; made by `Host.ssh`. */
export interface SshHost extends SshHostProps {
  /** Tells the kinds apart. */
  readonly kind: "ssh";
}

/** A virtual machine of Google Compute Engine; made by `Host.gce`. */
export interface GceHost extends GceHostProps {
  /** Tells the kinds apart. */
  readonly kind: "gce";
}

/** What `Host.unmanaged` takes. */
export interface UnmanagedHostProps {
  /** The host's public IPv4 address: what tunnels find it by, and what the world sees when it is an exit. */
  readonly address: string;
}

/** A host that somebody else keeps by hand, e.g. with plain wg-quick; made by `Host.unmanaged`. */
export interface UnmanagedHost extends UnmanagedHostProps {
  /** Tells the kinds apart. */
  readonly kind: "unmanaged";
}

/** The kinds of hosts that a `WgNode` can have. */
export const Host = {
  /** A host that exists and that `ssh` reaches. */
  ssh: (props: SshHostProps): SshHost => ({ kind: "ssh", ...props }),
  /** A virtual machine of Google Compute Engine, with its network, address and firewall rules. */
  gce: (props: GceHostProps): GceHost => ({ kind: "gce", ...props }),
  /**
   * Somebody else's host. It is checked and proved as if it did what is declared of it; what it must hold for that is written to
   * `wgchain/nodes/NODE` in the stack's synthesized directory, to be handed over. The public keys of its interfaces must be there, as
   * `keys/NODE.INTERFACE.pub` or `publicKey`; pre-shared keys and `repairEvery` are refused.
   */
  unmanaged: (props: UnmanagedHostProps): UnmanagedHost => ({ kind: "unmanaged", ...props }),
};

/** Only what is set: what is not is ssh_config's. */
export function sshIntent(host: SshHost): SshIntent {
  const { user, port, jump } = host;
  return {
    kind: "ssh",
    destination: host.destination ?? host.address,
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port }),
    ...(jump === undefined ? {} : { jump }),
  };
}
