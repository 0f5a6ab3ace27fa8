import type { SshIntent } from "../lib/intent";

/** Where a node runs: an existing host that SSH reaches, or a virtual machine of Google Compute Engine that the deploy makes. */
export type Host = SshHost | GceHost;

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
  /** SSH port. @default what ssh_config says */
  readonly port?: number;
  /** Jump host, as `ssh -J` takes it: [USER@]HOST[:PORT], an IPv6 address in brackets, several joined by commas. @default what ssh_config says */
  readonly jump?: string;
}

export interface GceHostProps {
  /** Zone, e.g. "asia-east2-a". */
  readonly zone: string;
  /** @default "e2-micro" */
  readonly machineType?: string;
  /** MTU of the VPC network in bytes, 1300 to 8896; the tunnel's MTU follows from it on both ends. @default 1460, Google's own default */
  readonly networkMtuBytes?: number;
  /** Range of the subnetwork. @default "10.170.0.0/24" */
  readonly subnetwork?: string;
  /**
   * Prefixes that may open SSH to the VM: where you deploy from. Without any, nobody could configure it, so none is an error.
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

export interface SshHost extends SshHostProps {
  readonly kind: "ssh";
}

export interface GceHost extends GceHostProps {
  readonly kind: "gce";
}

export const Host = {
  /** A host that exists and that `ssh` reaches. */
  ssh: (props: SshHostProps): SshHost => ({ kind: "ssh", ...props }),
  /** A virtual machine of Google Compute Engine, with its network, address and firewall rules. */
  gce: (props: GceHostProps): GceHost => ({ kind: "gce", ...props }),
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
