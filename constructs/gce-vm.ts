import { ComputeAddress } from "@cdktf/provider-google/lib/compute-address";
import { ComputeFirewall } from "@cdktf/provider-google/lib/compute-firewall";
import { ComputeInstance } from "@cdktf/provider-google/lib/compute-instance";
import { ComputeNetwork } from "@cdktf/provider-google/lib/compute-network";
import { ComputeSubnetwork } from "@cdktf/provider-google/lib/compute-subnetwork";
import type { TerraformResource } from "cdktf";
import { Construct } from "constructs";
import { gceDiskGb, gceMtuBytes } from "../lib/model/numbers";
import { cloudConfig } from "../lib/render/cloud-config";
import type { GceHostProps } from "./host";
import { untraced } from "./tokens";

/** @internal */
export interface GceVmProps extends GceHostProps {
  readonly name: string;
  readonly authorizedKeys: readonly string[];
}

/**
 * A small shielded virtual machine with a network of its own, an address that stays, and no way in but the tunnel's port and SSH from where you
 * deploy. Its user-data only makes the user for SSH: configuration comes over SSH as on every host, so a change never recreates the VM.
 */
export class GceVm extends Construct {
  /** @internal */
  static readonly defaultMachineType = "e2-micro";
  /** @internal */
  static readonly defaultUser = "wgchain";
  /** @internal */
  static readonly defaultSubnetwork = "10.170.0.0/24";
  /** @internal */
  static readonly defaultImage = "ubuntu-os-cloud/ubuntu-2404-lts-amd64";

  /** The virtual machine, as the google provider's construct. */
  readonly instance: ComputeInstance;
  /** Another for every machine that is made, known at apply. @internal */
  readonly instanceId: string;
  /** The VPC network that is its own, to add firewall rules to. */
  readonly network: ComputeNetwork;
  /** The reserved external address, known at apply. */
  readonly address: string;
  /** Terraform address of `address`, for what is written outside of Terraform. */
  readonly addressReference: string;
  /** Terraform address of `instance`. */
  readonly instanceReference: string;
  private readonly resources: TerraformResource[];
  private readonly tag: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: GceVmProps,
  ) {
    super(scope, id);
    this.tag = `wgchain-${props.name}`;
    const region = props.zone.replace(/-[a-z]$/, "");
    this.network = named(
      `${props.name}_network`,
      () =>
        new ComputeNetwork(this, "network", {
          name: props.name,
          description: "made by wgchain",
          autoCreateSubnetworks: false,
          // Always written: removing an optional computed argument would plan no change.
          mtu: props.networkMtuBytes ?? gceMtuBytes.normal,
          routingMode: "REGIONAL",
        }),
    );
    const subnetwork = named(
      `${props.name}_subnetwork`,
      () =>
        new ComputeSubnetwork(this, "subnetwork", {
          name: props.name,
          network: this.network.id,
          region,
          ipCidrRange: props.subnetwork ?? GceVm.defaultSubnetwork,
        }),
    );
    const address = named(`${props.name}_address`, () => new ComputeAddress(this, "address", { name: props.name, region }));
    this.instance = named(`${props.name}_instance`, () => this.makeInstance(subnetwork, address));
    this.instanceId = untraced(() => this.instance.instanceId);
    this.address = untraced(() => address.address);
    this.addressReference = `google_compute_address.${props.name}_address.address`;
    this.instanceReference = `google_compute_instance.${props.name}_instance`;
    this.resources = [this.instance];
    this.allow("ssh", `${props.name}-ssh`, [{ protocol: "tcp", ports: ["22"] }], props.sshFrom);
  }

  /** What must stand before configuration can arrive. @internal */
  get all(): readonly TerraformResource[] {
    return [...this.resources];
  }

  /** Opens the UDP port of an interface to the VM; a custom network denies everything else. */
  allowUdp(interfaceId: string, port: string, from: readonly string[]): void {
    // By port, which makes a name of Google's whatever the interface is called.
    this.allow(`udp_${interfaceId}`, `${this.props.name}-udp-${port}`, [{ protocol: "udp", ports: [port] }], from);
  }

  /** Opens the ports of a forward, "443" or "8000-8010", to the VM. */
  allowForward(forward: string, protocols: readonly string[], ports: string, from: readonly string[]): void {
    // By the first port, which one forward has alone: Google's names are shorter than ours.
    const name = `${this.props.name}-${protocols.length > 1 ? "fwd" : protocols.join("")}-${ports.replace(/-.*$/, "")}`;
    const allow = protocols.map((protocol) => ({ protocol, ports: [ports] }));
    this.allow(`forward_${forward}`, name, allow, from);
  }

  private allow(id: string, name: string, allow: { protocol: string; ports: string[] }[], from: readonly string[]): void {
    const firewall = named(
      `${this.props.name}_allow_${id}`,
      () =>
        new ComputeFirewall(this, `allow-${id}`, {
          name,
          network: this.network.id,
          direction: "INGRESS",
          allow,
          sourceRanges: [...from],
          targetTags: [this.tag],
        }),
    );
    this.resources.push(firewall);
  }

  private makeInstance(subnetwork: ComputeSubnetwork, address: ComputeAddress): ComputeInstance {
    const { props } = this;
    return new ComputeInstance(this, "instance", {
      name: props.name,
      zone: props.zone,
      machineType: props.machineType ?? GceVm.defaultMachineType,
      // Without it a change of machineType plans well and then fails.
      allowStoppingForUpdate: true,
      // It forwards only what it has masqueraded to its own address.
      canIpForward: false,
      tags: [this.tag],
      bootDisk: {
        autoDelete: true,
        initializeParams: { image: props.image ?? GceVm.defaultImage, size: props.diskSizeGb ?? gceDiskGb.normal },
      },
      networkInterface: [{ subnetwork: subnetwork.id, accessConfig: [{ natIp: address.address }] }],
      shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
      // Readable by every process on the VM: bootstrap only, nothing secret.
      metadata: {
        "block-project-ssh-keys": "TRUE",
        "enable-guest-attributes": "TRUE",
        "enable-oslogin": "FALSE",
        "serial-port-enable": "FALSE",
        "user-data": cloudConfig({ user: props.user ?? GceVm.defaultUser, authorizedKeys: props.authorizedKeys }),
      },
    });
  }
}

/** Named by the node and not by the place in the tree: moving a construct must not recreate a live host. */
function named<T extends TerraformResource>(logicalId: string, make: () => T): T {
  const resource = untraced(make);
  resource.overrideLogicalId(logicalId);
  return resource;
}
